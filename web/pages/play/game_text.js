// Texts of the games as the station sends them. Pure.
//
// A text is {key, values} of the language table, a string of the owner's, or the owner's {language: string}. A value is a
// number or another text; with a value `count` the text has the plural form for it.

// `words` are those of language.js.
export function sayText(words, text) {
  if (text === null || text === undefined) return "";
  if (typeof text === "string") return text;
  if (typeof text.key !== "string") return text[words.language] ?? text.en ?? Object.values(text)[0] ?? "";
  const values = Object.entries(text.values ?? {}).map(([name, value]) => [name, typeof value === "number" ? value : sayText(words, value)]);
  return words.say(text.key, Object.fromEntries(values));
}
