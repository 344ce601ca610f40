import assert from "node:assert/strict";
import { test } from "node:test";
import { groups, matches, schemaLines, typeWords } from "../../pages/docs/contract.js";

const SCHEMAS = {
  State: { oneOf: [{ type: "string", enum: ["live"] }, { const: "lost" }], description: "The state." },
  Status: {
    type: "object",
    required: ["source", "viewers"],
    properties: {
      source: { $ref: "#/components/schemas/Source" },
      viewers: { type: "integer" },
      note: { type: ["string", "null"], description: "A remark." },
    },
  },
  Source: { type: "object", required: ["state"], properties: { state: { $ref: "#/components/schemas/State" } } },
};

const DOCUMENT = {
  tags: [{ name: "Empty" }, { name: "Station" }],
  paths: {
    "/api/status": {
      get: {
        tags: ["Station"],
        summary: "What it does.",
        "x-needs": "nothing",
        responses: {
          200: { description: "OK", content: { "application/json": { schema: { $ref: "#/components/schemas/Status" } } } },
          default: { description: "An error." },
        },
      },
    },
  },
  components: { schemas: SCHEMAS },
};

test("operations stand in their groups, without empty ones", () => {
  const [station, ...others] = groups(DOCUMENT);
  assert.deepEqual(others, []);
  assert.equal(station.name, "Station");
  const [status] = station.operations;
  assert.deepEqual([status.id, status.method, status.needs], ["get-api-status", "GET", "nothing"]);
  assert.deepEqual(status.answers.map(({ status: code }) => code), ["200"]);
});

test("a schema is shown with its members, resolved and indented", () => {
  const lines = schemaLines({ $ref: "#/components/schemas/Status" }, SCHEMAS);
  assert.deepEqual(
    lines.map(({ depth, name, type, optional }) => [depth, name, type, optional]),
    [
      [0, "source", "object", false],
      [1, "state", '"live" | "lost"', false],
      [0, "viewers", "integer", false],
      [0, "note", "string | null", true],
    ],
  );
  assert.equal(lines[1].description, "The state.");
});

test("of variants the name comes first, with its members below it", () => {
  const named = (name, more) => ({ type: "object", properties: { ...more.properties, type: { const: name } }, $ref: more.$ref });
  const schema = { oneOf: [named("count", { properties: { count: { type: "integer" } } }), named("whole", { $ref: "#/components/schemas/Source" })] };
  assert.deepEqual(
    schemaLines(schema, SCHEMAS).map(({ depth, name, type }) => [depth, name, type]),
    [
      [0, "type", '"count"'],
      [1, "count", "integer"],
      [0, "type", '"whole"'],
      [1, "state", '"live" | "lost"'],
    ],
  );
});

test("types that may be null, and lists", () => {
  const nullable = { anyOf: [{ $ref: "#/components/schemas/Source" }, { type: "null" }] };
  assert.equal(typeWords(nullable, SCHEMAS), "object | null");
  assert.equal(typeWords({ type: "array", items: { type: "integer" } }, SCHEMAS), "[integer]");
  assert.deepEqual(schemaLines({ type: "array", items: nullable.anyOf[0] }, SCHEMAS)[0].name, "state");
});

test("the search wants every word", () => {
  const [{ operations }] = groups(DOCUMENT);
  assert.ok(matches(operations[0], "STATUS get") && matches(operations[0], ""));
  assert.ok(!matches(operations[0], "status put"));
});
