// The pictures that visitors share and that wait for the owner's approval.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";
import { caption } from "../gallery/pictures.js";
import { make } from "./make.js";

// `act(action, ids)` shows or hides pictures.
export function makeApprovals({ words, act, announce }) {
  let waiting = [];
  let drawn = "";

  function draw() {
    byId("approvals").hidden = waiting.length === 0;
    const now = JSON.stringify([waiting, words().language]);
    if (now === drawn) return;
    drawn = now;
    byId("approvals-list").replaceChildren(...waiting.map(makeEntry));
    byId("approvals-all").hidden = waiting.length < 2;
    byId("approvals-all").textContent = words().say("control.approvals.all", { n: waiting.length });
  }

  function makeEntry(picture) {
    const { say } = words();
    const name = caption(picture, words());
    const button = (key, action, className) => {
      const one = make("button", { type: "button", className, textContent: say(key), ariaLabel: `${say(key)}: ${name}` });
      one.addEventListener("click", () => act(action, [picture.id]));
      return one;
    };
    return make(
      "li",
      {},
      keepTrying(make("img", { alt: name, src: picture.url })),
      make("p", { textContent: name }),
      button("control.approvals.show", "show", "strong"),
      button("control.approvals.refuse", "hide", ""),
    );
  }

  byId("approvals-all").addEventListener("click", () => act("show", waiting.map(({ id }) => id)));

  return {
    draw,
    show(pictures) {
      const known = new Set(waiting.map(({ id }) => id));
      // The oldest first: it waits longest.
      waiting = pictures.filter(({ waits }) => waits).reverse();
      if (waiting.some(({ id }) => !known.has(id))) announce(words().say("control.approvals.waiting", { count: waiting.length }));
      draw();
    },
  };
}
