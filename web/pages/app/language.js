// Texts by key in the visitor's language, with English as the fallback.
//
// A text may hold {names}; a number there is formatted for the language. A text that depends on a count has
// one key for each of the language's plural categories: `queue.ahead.one`, `queue.ahead.other` (Unicode
// UTS 35, part 3: language plural rules).

import { recall, remember } from "./page.js";

const NAME = "carrier.language";

// The first of `wanted` that is available, by its whole tag or by its language: "de-AT" finds "de".
export function choose(available, wanted) {
  for (const tag of wanted) {
    const low = String(tag ?? "").toLowerCase();
    const found =
      available.find((one) => one.toLowerCase() === low) ??
      available.find((one) => one.toLowerCase() === low.split("-")[0]);
    if (found) return found;
  }
  return "en";
}

// {language, say(key, values), number(value, digits), knows(key)}
export function makeWords(language, table, english) {
  const plural = made(Intl.PluralRules, language);
  const number = made(Intl.NumberFormat, language, { maximumFractionDigits: 1 });

  function text(key, count) {
    if (count === undefined) return table[key] ?? english[key];
    const category = plural.select(count);
    return (
      table[`${key}.${category}`] ??
      table[`${key}.other`] ??
      english[`${key}.${count === 1 ? "one" : "other"}`] ??
      text(key)
    );
  }

  const say = (key, values = {}) => fill(text(key, values.count) ?? key, values, number);
  return { language, say, number: numbers(language), knows: (key) => key in table || key in english };
}

// (value, digits): always with that many decimals, so that a changing number keeps its width.
function numbers(language) {
  const formats = [];
  return (value, digits = 0) => {
    const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    formats[digits] ??= made(Intl.NumberFormat, language, exact);
    return formats[digits].format(value);
  };
}

function fill(text, values, number) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number.format(value) : String(value);
  });
}

// The owner may name a file after a language that the browser does not know.
function made(Kind, language, options) {
  try {
    return new Kind(language, options);
  } catch {
    return new Kind("en", options);
  }
}

// Best first: ?lang=, then the remembered choice, then the browser's languages.
export function wanted() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked) keep(asked);
  return [asked, recall(NAME), ...(navigator.languages ?? [navigator.language])].filter(Boolean);
}

// Whether English is wanted, which is known without the list of languages.
export function wantsEnglish(tags) {
  return tags.length === 0 || /^en(-|$)/i.test(tags[0]);
}

export function keep(code) {
  remember(NAME, code);
}
