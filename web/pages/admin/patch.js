// Settings as values: merge patches (RFC 7396), and what differs. Pure.

// The merge patch that sets one key: ("a.b", 1) gives {a: {b: 1}}.
export function patchOf(key, value) {
  return key
    .split(".")
    .reverse()
    .reduce((inner, name) => ({ [name]: inner }), value);
}

// Whether a patch sets a key.
export function isIn(patch, key) {
  return key.split(".").reduce((part, name) => part?.[name], patch) !== undefined;
}

// Two patches as one; the second takes precedence.
export function merged(one, other) {
  if (!isTable(one) || !isTable(other)) return other;
  const both = { ...one };
  for (const [name, value] of Object.entries(other)) both[name] = name in both ? merged(both[name], value) : value;
  return both;
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

// The keys whose values differ between two lists of settings.
export function changedKeys(before, after) {
  const known = new Map(before.map(({ key, value }) => [key, value]));
  return after.filter(({ key, value }) => known.has(key) && !isSame(known.get(key), value)).map(({ key }) => key);
}

// The settings that were changed while the station runs and are in no file yet.
export function unkept(settings) {
  return settings.filter(({ origin }) => origin === "live");
}

// The list of names with one switched on or off, in the order of `choices`.
export function toggled(names, name, choices = names) {
  const chosen = new Set(names);
  if (!chosen.delete(name)) chosen.add(name);
  const place = (one) => (choices.includes(one) ? choices.indexOf(one) : Infinity);
  return [...chosen].sort((a, b) => place(a) - place(b));
}

// The setting that an error is about: "privacy.masks[0].points" belongs to "privacy.masks".
export function ownerOf(settings, key) {
  const isPart = (whole) => key === whole || key?.startsWith(`${whole}.`) || key?.startsWith(`${whole}[`);
  return settings.find(({ key: whole }) => isPart(whole)) ?? null;
}
