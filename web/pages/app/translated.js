// Puts a page into the visitor's language: ?lang=, else what was chosen before, else the browser's.
// The English words stand in the page itself, so that nothing flickers for most.

import { waitMs } from "./backoff.js";
import { choose, keep, makeWords, wanted } from "./language.js";

const ENGLISH = [{ code: "en", name: "English" }];

// What data-words and its kin name, on everything below `root`.
export function translate(root, say) {
  for (const element of root.querySelectorAll("[data-words]")) {
    put(say, element.dataset.words, (text) => (element.textContent = text));
  }
  for (const [field, attribute] of [
    ["wordsLabel", "aria-label"],
    ["wordsTitle", "title"],
    ["wordsAlt", "alt"],
  ]) {
    const data = field.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    for (const element of root.querySelectorAll(`[data-${data}]`)) {
      put(say, element.dataset[field], (text) => element.setAttribute(attribute, text));
    }
  }
}

// What no table has stays as it stands in the page.
function put(say, key, set) {
  const text = say(key);
  if (text !== key) set(text);
}

// `english`: as much of it as is known; without it the whole of it is asked for.
export async function loadWords({ english = null, priority = "auto" } = {}) {
  const [known, offered] = await Promise.all([english ?? table("en", priority), languages(priority)]);
  const code = choose(
    offered.map((one) => one.code),
    wanted(),
  );
  const own = code === "en" ? known : await table(code, priority);
  return { ...makeWords(code, own, known), offered };
}

// A page of words: translated now, and again whenever another language is chosen in `select`.
export async function speakLanguage(select, changed) {
  const words = await loadWords();
  document.documentElement.lang = words.language;
  if (words.language !== "en") translate(document, words.say);
  if (select) offer(select, words);
  changed(words);
  select?.addEventListener("change", async () => {
    remember(select.value);
    const next = await loadWords();
    document.documentElement.lang = next.language;
    translate(document, next.say);
    changed(next);
  });
}

// Chosen on the page: from now on it outranks what the address says.
export function remember(code) {
  keep(code);
  const link = new URL(location.href);
  link.searchParams.delete("lang");
  history.replaceState(history.state, "", link);
}

export function offer(select, { offered, language }) {
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

function table(code, priority) {
  return ask(new URL(`../lang/${encodeURIComponent(code)}.json`, import.meta.url).href, priority, {});
}

export async function languages(priority) {
  const { languages: offered } = await ask(new URL("../lang", import.meta.url).href, priority, {});
  return offered?.length ? offered : ENGLISH;
}

const answers = new Map(); // by path: a page asks once

function ask(path, priority, otherwise) {
  if (!answers.has(path)) answers.set(path, answer(path, priority, otherwise));
  return answers.get(path);
}

// Asked for until it comes: without it the page would say names of words instead of words.
async function answer(path, priority, otherwise) {
  for (let failures = 1; ; failures += 1) {
    try {
      const response = await fetch(path, { priority });
      if (response.ok) return await response.json();
      if (response.status === 404) return otherwise;
    } catch {
      // The network is away: again.
    }
    await new Promise((done) => setTimeout(done, waitMs(failures)));
  }
}
