// What the page shows of an OpenAPI document. Pure.

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEPTH_MAX = 6; // deeper levels are named by their type alone

// The operations by tag, in the order of the tags.
export function groups(document) {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => operation(path, method, methods[method], document)),
  );
  return document.tags
    .map(({ name }) => ({ name, operations: operations.filter((one) => one.tag === name) }))
    .filter((group) => group.operations.length > 0);
}

function operation(path, method, described, document) {
  const schemas = document.components.schemas;
  const answers = Object.entries(described.responses).filter(([status]) => status !== "default");
  return {
    id: `${method}${path.replace(/[^a-z]+/gi, "-")}`.replace(/-$/, ""),
    tag: described.tags[0],
    method: method.toUpperCase(),
    path,
    summary: described.summary,
    description: described.description ?? "",
    needs: described["x-needs"],
    parameters: (described.parameters ?? []).map(({ name, in: place, description = "" }) => ({ name, place, description })),
    body: contents(described.requestBody, schemas),
    answers: answers.map(([status, answer]) => ({ status, reason: answer.description, contents: contents(answer, schemas) })),
  };
}

function contents(holder, schemas) {
  return Object.entries(holder?.content ?? {}).map(([kind, { schema }]) => ({ kind, lines: schemaLines(schema, schemas) }));
}

// A schema as indented lines: { depth, name, type, optional, description }.
export function schemaLines(schema, schemas) {
  const lines = [];
  addMembers(lines, schema, { depth: 0, schemas });
  return lines;
}

function resolved(schema, schemas) {
  const name = schema?.$ref?.split("/").at(-1);
  return name ? { ...schemas[name], ...schema, $ref: undefined } : (schema ?? {});
}

// Of a variant, the member that names it comes first and the others are below it.
function addMembers(lines, schema, at) {
  const own = schema.contentSchema ?? schema;
  const members = Object.entries(own.properties ?? {}).sort(([, one], [, other]) => isName(other) - isName(one));
  for (const [name, member] of members) {
    const optional = !(own.required ?? []).includes(name);
    const value = resolved(withoutNull(member), at.schemas);
    const depth = at.depth + (at.variant && !isName(member) ? 1 : 0);
    lines.push({ depth, name, type: typeWords(member, at.schemas), optional, description: (at.variant && isName(member) ? own.description : value.description) ?? "" });
    if (depth < DEPTH_MAX) addMembers(lines, value.items ?? value, { ...at, variant: false, depth: depth + 1 });
  }
  const below = { ...at, variant: false, depth: at.depth + (at.variant ? 1 : 0) };
  if (own.$ref) addMembers(lines, resolved({ $ref: own.$ref }, at.schemas), below);
  for (const part of own.allOf ?? []) addMembers(lines, part, at);
  for (const part of own.oneOf ?? []) addMembers(lines, part, { ...at, variant: true });
  if (own.items && at.depth === 0) addMembers(lines, own.items, at);
}

const isName = (member) => member.const !== undefined;

// Of "this or null", this.
function withoutNull(schema) {
  return (schema.anyOf ?? []).find((one) => one.type !== "null") ?? schema;
}

export function typeWords(schema, schemas) {
  const optional = (schema.anyOf ?? []).some((one) => one.type === "null");
  const own = resolved(withoutNull(schema), schemas);
  const choices = own.enum ?? (own.oneOf ?? []).map((one) => one.const ?? one.enum).flat().filter((one) => one !== undefined);
  if (own.const !== undefined) return JSON.stringify(own.const);
  if (choices.length > 0) return choices.map((one) => JSON.stringify(one)).join(" | ") + (optional ? " | null" : "");
  if (own.type === "array") return `[${typeWords(own.items ?? {}, schemas)}]`;
  const types = [own.type ?? "any", optional ? "null" : []].flat();
  return types.join(" | ");
}

// Whether an operation has all of these words.
export function matches({ method, path, summary, description, needs }, text) {
  const all = [method, path, summary, description, needs].join(" ").toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
