// The viewfinder of this device's camera, where the browser gives one (HTTPS): preview and guide.

import { close, openLens } from "../camera/lens.js";
import { grabbed } from "./photo.js";

const byId = (id) => document.getElementById(id);

export function makeLensFinder(stage) {
  const lens = byId("lens");
  let stream = null;
  let facing = "user";
  let told = null; // {ready, lost}, while it is open

  async function look() {
    const mine = told;
    try {
      const next = await openLens(facing);
      close(stream);
      // Shut while the browser was still asking.
      if (told !== mine) return close(next);
      stream = next;
      lens.srcObject = next;
      lens.classList.toggle("mirrored", facing === "user");
      await lens.play();
      stage.shape(lens.videoWidth, lens.videoHeight);
      mine.ready(true);
    } catch {
      if (told === mine) mine.lost();
    }
    return undefined;
  }

  function show(yes) {
    lens.hidden = !yes;
    byId("guide").toggleAttribute("hidden", !yes);
  }

  return {
    open(events) {
      told = events;
      show(true);
      look();
    },
    shut() {
      told = null;
      close(stream);
      stream = null;
      lens.srcObject = null;
      show(false);
    },
    grab: () => (stream ? grabbed(lens) : null),
    turn() {
      if (!told) return;
      facing = facing === "user" ? "environment" : "user";
      told.ready(false);
      // Many phones open only one at a time.
      close(stream);
      look();
    },
  };
}
