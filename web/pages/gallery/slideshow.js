// The kiosk: one picture after the other, new ones first, and the code of the booth.

import { makeEdges } from "../app/edges.js";
import { keepTrying } from "../app/retried.js";
import { makeAwake } from "../camera/awake.js";
import { caption } from "./grid.js";
import { nextPicture } from "./order.js";

const EACH_MS = 7000;
const byId = (id) => document.getElementById(id);

export function makeSlideshow({ list, words }) {
  const slides = [...document.querySelectorAll(".slide")];
  const seen = new Set();
  let shown = null;
  let front = 0;
  let timer = 0;

  byId("page").hidden = true;
  byId("show").hidden = false;
  document.documentElement.classList.add("slideshow");
  makeAwake()(true);
  keepTrying(byId("invite-code"));
  // A click fills the screen; a kiosk browser is started full anyway.
  byId("show").addEventListener("click", ({ target }) => {
    if (target.closest(".edge") || document.fullscreenElement) return;
    document.documentElement.requestFullscreen?.().catch(() => {});
  });
  byId("leave").href = new URL("../gallery", import.meta.url).href;
  // In full screen it is the browser that hears this key, and leaves that first.
  addEventListener("keydown", ({ key }) => key === "Escape" && byId("leave").click());
  makeEdges(document.documentElement, () => byId("show").getBoundingClientRect());

  async function turn() {
    clearTimeout(timer);
    const picture = nextPicture(list(), shown, seen);
    if (!picture) blank();
    else if (picture.id !== shown) await put(picture);
    timer = setTimeout(turn, EACH_MS);
  }

  async function put(picture) {
    const back = slides[1 - front];
    back.src = picture.url;
    seen.add(picture.id);
    // Shown once it is all there: never half a picture.
    const whole = await back.decode().then(() => true, () => false);
    if (!whole) return;
    shown = picture.id;
    back.alt = caption(picture, words());
    back.hidden = false;
    void back.offsetWidth; // the fade begins at nothing
    back.classList.add("on");
    slides[front].classList.remove("on");
    front = 1 - front;
    byId("show-words").textContent = caption(picture, words());
    byId("show").classList.remove("blank");
  }

  function blank() {
    shown = null;
    for (const slide of slides) slide.classList.remove("on");
    byId("show-words").textContent = words().say("gallery.empty");
    byId("show").classList.add("blank");
  }

  return {
    refresh() {
      const gone = shown && !list().some(({ id }) => id === shown);
      // At once: what was hidden, and the first picture of all. New ones wait for their turn.
      if (gone || shown === null) turn();
    },
  };
}
