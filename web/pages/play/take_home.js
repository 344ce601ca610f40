// The code by which another phone takes the photo strip home, while the visitor wants to see it.

import { retried } from "../app/backoff.js";
import { setText } from "../app/page.js";
import { translate } from "../app/translated.js";
import { handoverStatus } from "../booth/handover.js";
import { keyHeader } from "./round_key.js";

const ASK_EVERY_MS = 2000; // whether somebody has redeemed the code

const PARTS = `
  <img id="take-code" alt="Code that opens this picture on a phone" data-words-alt="kiosk.home.code" hidden>
  <p id="take-words" role="status"></p>
  <button type="button" id="take-again" data-words="kiosk.home.again" hidden>Another code</button>`;

// `button` shows and hides it.
export function makeTakeHome({ button }) {
  const element = Object.assign(document.createElement("div"), { id: "take-home", innerHTML: PARTS, hidden: true });
  const part = (name) => element.querySelector(`#take-${name}`);
  let words = null;
  let own = null; // {round, key}
  let serial = 0; // of the newest code
  let address = null; // of the code's picture
  let state = "closed"; // closed, coming, open, taken, gone
  let timer = 0;

  async function ask() {
    const mine = drop("coming");
    const handover = await retried(async () => {
      if (serial !== mine) return null;
      const response = await fetch(`api/play/rounds/${own.round}/handover`, { method: "POST", headers: keyHeader(own) });
      if ([401, 403, 404].includes(response.status)) return null; // erased meanwhile
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.json();
    });
    if (serial !== mine) return;
    if (!handover) {
      drop("gone");
      return;
    }
    address = URL.createObjectURL(new Blob([handover.code], { type: "image/svg+xml" }));
    part("code").src = address;
    state = "open";
    draw();
    look(handover.secret, mine);
  }

  function look(secret, mine) {
    timer = setTimeout(async () => {
      const status = await handoverStatus(secret);
      if (serial !== mine) return undefined;
      if (status === "over") return ask();
      if (status === "taken") return drop("taken");
      return look(secret, mine);
    }, ASK_EVERY_MS);
  }

  // The code leaves the page's memory. Gives the number of the next one.
  function drop(next) {
    clearTimeout(timer);
    if (address) URL.revokeObjectURL(address);
    address = null;
    part("code").removeAttribute("src");
    state = next;
    serial += 1;
    draw();
    return serial;
  }

  function draw() {
    element.hidden = state === "closed";
    button.setAttribute("aria-expanded", String(state !== "closed"));
    part("code").hidden = state !== "open";
    part("again").hidden = state !== "taken";
    const key = { coming: "games.code.coming", open: "kiosk.home.scan", taken: "kiosk.home.taken", gone: "games.strip.gone" }[state];
    if (words) setText(part("words"), key ? words.say(key) : "");
  }

  button.addEventListener("click", () => {
    if (state !== "closed") return drop("closed");
    ask();
    return element.scrollIntoView({ block: "nearest" });
  });
  part("again").addEventListener("click", ask);

  return {
    element,
    begin(next) {
      own = next;
    },
    leave: () => drop("closed"),
    reworded(next) {
      words = next;
      translate(element, words.say);
      draw();
    },
  };
}
