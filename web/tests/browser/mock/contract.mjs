// A small OpenAPI document with each kind of thing that the page of the interface shows.

export function contract() {
  const shutter = { $ref: "#/components/schemas/Shutter" };
  const json = (schema) => ({ content: { "application/json": { schema } } });
  const responses = { 200: { description: "OK", ...json(shutter) }, default: { description: "An error." } };
  return {
    openapi: "3.1.0",
    info: { title: "carrier", version: "0" },
    tags: [{ name: "Shutter" }, { name: "Gallery" }],
    paths: {
      "/api/shutter": {
        get: { tags: ["Shutter"], summary: "The shutter.", "x-needs": "watch", responses },
        put: {
          tags: ["Shutter"],
          summary: "Closes or opens the shutter; in effect with the answer.",
          description: "What a person closed only a person opens.",
          "x-needs": "admin",
          requestBody: json(shutter),
          responses,
        },
      },
      "/gallery/{file}": {
        get: {
          tags: ["Gallery"],
          summary: "A picture of the gallery.",
          "x-needs": "nothing",
          parameters: [{ name: "file", in: "path", required: true, schema: { type: "string" } }],
          responses: { 200: { description: "OK", content: { "image/jpeg": { schema: {} } } } },
        },
      },
    },
    components: {
      schemas: {
        Shutter: {
          type: "object",
          required: ["closed"],
          properties: {
            closed: { type: "boolean" },
            reason: { type: ["string", "null"], description: "In plain words." },
          },
        },
      },
    },
  };
}
