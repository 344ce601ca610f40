// Puts a page into the visitor's language: ?lang=, else what was chosen before, else the browser's.
// The English words stand in the page itself, so that nothing flickers for most.

import { waitMs } from "./backoff.js";
import { choose, makeWords } from "./language.js";

const NAME = "carrier.language";
const ENGLISH = [{ code: "en", name: "English" }];

// What data-words and its kin name, on everything below `root`.
export function translate(root, say) {
  for (const element of root.querySelectorAll("[data-words]")) {
    element.textContent = say(element.dataset.words);
  }
  for (const [field, attribute] of [
    ["wordsLabel", "aria-label"],
    ["wordsTitle", "title"],
    ["wordsAlt", "alt"],
  ]) {
    const data = field.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    for (const element of root.querySelectorAll(`[data-${data}]`)) {
      element.setAttribute(attribute, say(element.dataset[field]));
    }
  }
}

export async function loadWords() {
  const [english, offered] = await Promise.all([table("en"), languages()]);
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked) keep(asked);
  const wanted = [asked, kept(), ...(navigator.languages ?? [navigator.language])];
  const code = choose(
    offered.map((one) => one.code),
    wanted.filter(Boolean),
  );
  const own = code === "en" ? english : await table(code);
  document.documentElement.lang = code;
  return { ...makeWords(code, own, english), offered };
}

// A page of words: translated now, and again whenever another language is chosen in `select`.
export async function speakLanguage(select, changed) {
  const words = await loadWords();
  if (words.language !== "en") translate(document, words.say);
  if (select) offer(select, words);
  changed(words);
  select?.addEventListener("change", async () => {
    keep(select.value);
    const link = new URL(location.href);
    link.searchParams.delete("lang");
    history.replaceState(history.state, "", link);
    const next = await loadWords();
    translate(document, next.say);
    changed(next);
  });
}

function offer(select, { offered, language }) {
  select.replaceChildren(
    ...offered.map(({ code, name }) => {
      const option = document.createElement("option");
      option.value = code;
      option.lang = code;
      option.textContent = name;
      option.selected = code === language;
      return option;
    }),
  );
}

// Asked for until it comes: without it the page would say names of words instead of words.
async function table(code) {
  for (let failures = 1; ; failures += 1) {
    try {
      const response = await fetch(`/lang/${encodeURIComponent(code)}.json`);
      if (response.ok) return await response.json();
      if (response.status === 404) return {};
    } catch {
      // The network is away: again.
    }
    await new Promise((done) => setTimeout(done, waitMs(failures)));
  }
}

async function languages() {
  try {
    const response = await fetch("/lang");
    const { languages: offered } = await response.json();
    return offered?.length ? offered : ENGLISH;
  } catch {
    return ENGLISH;
  }
}

// Storage is refused in some private windows; the choice is then not remembered.
function kept() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}

function keep(code) {
  try {
    localStorage.setItem(NAME, code);
  } catch {
    // As above.
  }
}
