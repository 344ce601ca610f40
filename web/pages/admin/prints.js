// The prints that visitors asked for: the owner looks at each, and prints it or not.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";
import { ask } from "./api.js";
import { make } from "./make.js";
import { failureWords } from "./words.js";

export function makePrints({ words, tell, answered, soon }) {
  let waiting = [];
  let isOffered = true; // until the station says that there is no printer
  let drawn = "";

  function draw() {
    byId("prints").hidden = waiting.length === 0;
    const now = JSON.stringify([waiting, words().language]);
    if (now === drawn) return;
    drawn = now;
    byId("prints-list").replaceChildren(...waiting.map(makeEntry));
  }

  function makeEntry({ id, copies, picture }) {
    const { say } = words();
    const count = say("control.prints.copies", { count: copies });
    const button = (key, approved, className) => {
      const one = make("button", { type: "button", className, textContent: say(key) });
      one.addEventListener("click", () => decide(id, approved));
      return one;
    };
    return make(
      "li",
      {},
      keepTrying(make("img", { alt: say("control.prints.picture"), src: picture })),
      make("p", { textContent: count }),
      button("control.prints.print", true, "strong"),
      button("control.prints.refuse", false, ""),
    );
  }

  async function decide(id, approved) {
    const answer = await ask("PATCH", `api/admin/prints/${id}`, { body: { approved } });
    // 404: its picture was erased, or somebody else has decided.
    if (answer.status !== 204 && answer.status !== 404) tell(failureWords(words(), answer));
    answered(answer);
    soon();
  }

  return {
    draw,
    isWanted: () => isOffered,
    async load() {
      const answer = await ask("GET", "api/admin/prints");
      if (answer.status === 200) {
        ({ offered: isOffered, prints: waiting } = answer.data);
        draw();
      }
      return answer;
    },
    forget() {
      waiting = [];
      isOffered = true;
      draw();
    },
  };
}
