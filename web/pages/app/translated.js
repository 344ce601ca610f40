// Translates a page into the visitor's language. The English texts stand in the page itself.

import { retried } from "./backoff.js";
import { choose, keep, makeWords, wanted } from "./language.js";
import { byId } from "./page.js";

const ENGLISH = [{ code: "en", name: "English" }];

// Sets the texts that data-words, data-words-label, data-words-title and data-words-alt name, below `root`.
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

// A key without a text keeps what stands in the page.
function put(say, key, set) {
  const text = say(key);
  if (text !== key) set(text);
}

// `english`: the English texts that are known already; without them the whole table is fetched.
export async function loadWords({ english = null, priority = "auto" } = {}) {
  const [known, offered] = await Promise.all([english ?? table("en", priority), languages(priority)]);
  const code = choose(
    offered.map((one) => one.code),
    wanted(),
  );
  const own = code === "en" ? known : await table(code, priority);
  return { ...makeWords(code, own, known), offered };
}

// For the pages whose bar has a list of languages. `changed(words)` is called when the texts have come, and again
// for each language that is chosen.
export async function translatePage(changed) {
  const select = byId("language");
  const words = await loadWords();
  document.documentElement.lang = words.language;
  if (words.language !== "en") translate(document, words.say);
  offer(select, words);
  changed(words);
  select.addEventListener("change", async () => {
    remember(select.value);
    const next = await loadWords();
    document.documentElement.lang = next.language;
    translate(document, next.say);
    changed(next);
  });
}

// A language that is chosen on the page replaces the one of ?lang=.
export function remember(code) {
  keep(code);
  const link = new URL(location.href);
  link.searchParams.delete("lang");
  history.replaceState(history.state, "", link);
}

export function offer(select, { offered, language }) {
  select.replaceChildren(
    ...offered.map(({ code, name }) => {
      const option = new Option(name, code, false, code === language);
      option.lang = code;
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

const answers = new Map(); // by path: each is fetched once

function ask(path, priority, otherwise) {
  if (!answers.has(path)) answers.set(path, retried(() => answer(path, priority, otherwise)));
  return answers.get(path);
}

async function answer(path, priority, otherwise) {
  const response = await fetch(path, { priority });
  if (response.ok) return response.json();
  if (response.status === 404) return otherwise;
  throw new Error(`status ${response.status}`);
}
