// The slideshow for a kiosk: one picture after the other, new ones first, with the booth's QR code.

import { keepTrying } from "../app/images.js";
import { makeEdges } from "../app/edges.js";
import { byId } from "../app/page.js";
import { makeWakeLock } from "../camera/device.js";
import { caption } from "./pictures.js";

const EACH_MS = 7000;

export function makeSlideshow({ list, words }) {
  const slides = [...document.querySelectorAll(".slide")];
  const seen = new Set();
  let shown = null;
  let front = 0;
  let timer = 0;

  byId("page").hidden = true;
  byId("show").hidden = false;
  document.documentElement.classList.add("slideshow");
  makeWakeLock()(true);
  keepTrying(byId("invite-code"));
  // Full screen needs a click; a kiosk browser starts in full screen.
  byId("fill").hidden = !document.fullscreenEnabled;
  byId("fill").addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => {}));
  byId("leave").href = new URL("../gallery", import.meta.url).href;
  const leave = () => byId("leave").click();
  addEventListener("keydown", ({ key }) => key === "Escape" && leave());
  // In full screen the browser takes that key.
  document.addEventListener("fullscreenchange", () => (document.fullscreenElement ? (byId("fill").hidden = true) : leave()));
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
    // Shown once it is decoded as a whole.
    const whole = await back.decode().then(() => true, () => false);
    if (!whole) return;
    shown = picture.id;
    back.alt = caption(picture, words());
    back.hidden = false;
    void back.offsetWidth; // starts the fade from transparent
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
      // At once when the shown picture was hidden or deleted, or none is shown yet.
      if (gone || shown === null) turn();
    },
  };
}

// The picture that the slideshow shows next: the oldest unseen one, else the one after `shown`. `pictures` are newest
// first, as the station lists them; `seen` is a set of ids.
export function nextPicture(pictures, shown, seen) {
  if (pictures.length === 0) return null;
  const unseen = pictures.filter(({ id }) => !seen.has(id));
  if (unseen.length > 0) return unseen.at(-1);
  const at = pictures.findIndex(({ id }) => id === shown);
  return pictures[(at + 1) % pictures.length];
}
