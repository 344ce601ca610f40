// The language of the live page. English is there at once; another one is asked for when the offer has
// gone out, and the page is put into it as it stands: no picture waits for words.

import { waitMs } from "./backoff.js";
import { ENGLISH } from "./english.js";
import { makeWords, wanted, wantsEnglish } from "./language.js";

// As makeWords, but the words change; `changed()` is called when they have. In `select` a visitor
// chooses them.
export function makeLiveWords({ select, changed }) {
  let now = makeWords("en", ENGLISH, ENGLISH);
  let complete = false; // it has what the other pages say as well
  let begun = false;
  let listed = false;
  let turn = 0;
  let newest = null;

  select.addEventListener("change", async () => {
    const chosen = select.value;
    const { remember } = await translated();
    remember(chosen);
    load(null);
  });

  function load(english) {
    turn += 1;
    newest = loaded(english, turn);
    return newest;
  }

  // `english`: what need not be asked for. What is in no table stays as it stands in the page.
  async function loaded(english, mine) {
    const { loadWords, offer, translate } = await translated();
    const next = await loadWords({ english, priority: "low" });
    // Another language was chosen meanwhile.
    if (mine !== turn) return;
    now = next;
    complete = english === null;
    listed = true;
    offer(select, next);
    document.documentElement.lang = next.language;
    translate(document, next.say);
    changed();
  }

  return {
    say: (key, values) => now.say(key, values),
    number: (value, digits) => now.number(value, digits),
    knows: (key) => now.knows(key),
    // Who wants English has it already.
    begin() {
      if (begun) return;
      begun = true;
      if (!wantsEnglish(wanted())) load(ENGLISH);
    },
    // Every language there is, once somebody looks at the list.
    async offer() {
      if (listed) return;
      listed = true;
      const { languages, offer } = await translated();
      offer(select, { offered: await languages("auto"), language: now.language });
    },
    // Every word there is, for what is shown of other pages.
    async whole() {
      if (!complete) load(null);
      while (!complete) await newest;
    },
  };
}

// Asked for until it comes, as the words are.
async function translated() {
  for (let failures = 1; ; failures += 1) {
    try {
      return await import("./translated.js");
    } catch {
      await new Promise((done) => setTimeout(done, waitMs(failures)));
    }
  }
}
