// The shutter: a viewfinder, a countdown, and the photo of what was seen at its end.

import { countDown } from "./countdown.js";
import { makeFeedFinder } from "./feed_finder.js";
import { makeLensFinder } from "./lens_finder.js";

const byId = (id) => document.getElementById(id);

// `taken` gets the photo; `failed` gets the viewfinder's name ("camera" or "live") when it has no
// picture to show.
export function makeShutter({ taken, failed, stage, say }) {
  const finders = { camera: makeLensFinder(stage), live: makeFeedFinder(stage) };
  const shutter = byId("shutter");
  let open = null; // the name of the viewfinder that is
  let calling = null; // off the running countdown

  function lost() {
    const name = open;
    shut();
    failed(name);
  }

  function shut() {
    calling?.abort();
    calling = null;
    if (open) finders[open].shut();
    open = null;
    byId("count").hidden = true;
  }

  async function release() {
    if (!open || calling) return;
    const finder = finders[open];
    calling = new AbortController();
    const { signal } = calling;
    const ready = await countDown((count) => {
      byId("count").hidden = false;
      byId("count").textContent = String(count);
      say(String(count));
    }, signal);
    if (!ready) return;
    calling = null;
    byId("count").hidden = true;
    const photo = await finder.grab();
    if (!photo) return lost();
    shut();
    taken(photo);
  }

  shutter.addEventListener("click", release);
  byId("turn-camera").addEventListener("click", () => calling || finders.camera.turn());

  return {
    shut,
    open(name) {
      shut();
      open = name;
      shutter.disabled = true;
      finders[name].open({
        ready: (yes) => (shutter.disabled = !yes),
        lost: () => open === name && lost(),
      });
    },
  };
}
