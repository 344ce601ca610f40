// Words in the visitor's language: a flat table of keys, English behind it. Pure, but for what is
// remembered of the visitor's choice.
//
// A text may hold {names}; a number there is written as the language writes it. What depends on a
// count has one key for each of the language's plural categories: `queue.ahead.one`,
// `queue.ahead.other` (Unicode UTS 35, part 3: language plural rules).

const NAME = "carrier.language";

// The first of `wanted` that there is, by whole tag or by its first part: "de-AT" finds "de".
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

// `say(key, values)` and what goes with a language.
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

  const say = (key, values = {}) => filled(text(key, values.count) ?? key, values, number);
  return { language, say, number: numbers(language), knows: (key) => key in table || key in english };
}

// (value, digits): always with that many digits behind the point, so that a figure that is looked at
// while it changes does not jump.
function numbers(language) {
  const formats = [];
  return (value, digits = 0) => {
    const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    formats[digits] ??= made(Intl.NumberFormat, language, exact);
    return formats[digits].format(value);
  };
}

export function filled(text, values, number) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number.format(value) : String(value);
  });
}

// A file of the owner's may be named after no language that the browser knows.
function made(Kind, language, options) {
  try {
    return new Kind(language, options);
  } catch {
    return new Kind("en", options);
  }
}

// Best first: ?lang=, else what was chosen before, else what the browser asks for.
export function wanted() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked) keep(asked);
  return [asked, kept(), ...(navigator.languages ?? [navigator.language])].filter(Boolean);
}

// Whether that is plain without knowing which languages there are.
export function wantsEnglish(tags) {
  return tags.length === 0 || /^en(-|$)/i.test(tags[0]);
}

// Storage is refused in some private windows; the choice is then not remembered.
function kept() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}

export function keep(code) {
  try {
    localStorage.setItem(NAME, code);
  } catch {
    // As above.
  }
}
