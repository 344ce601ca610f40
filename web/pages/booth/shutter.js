// The page's own camera, where the browser gives one (HTTPS): preview, guide, countdown, shutter.

import { close, openLens } from "../camera/lens.js";
import { countDown } from "./countdown.js";
import { grabbed } from "./photo.js";

const byId = (id) => document.getElementById(id);

// `taken` gets the photo, `failed` is called when there is no camera to be had.
export function makeShutter({ taken, failed, stage, say }) {
  const lens = byId("lens");
  let stream = null;
  let facing = "user";
  let calling = null; // off the running countdown

  async function look() {
    try {
      const next = await openLens(facing);
      close(stream);
      // Shut while the browser was still asking.
      if (lens.hidden) return close(next);
      stream = next;
      lens.srcObject = next;
      lens.classList.toggle("mirrored", facing === "user");
      await lens.play();
      stage.shape(lens.videoWidth, lens.videoHeight);
    } catch {
      shut();
      failed();
    }
    return undefined;
  }

  function shut() {
    calling?.abort();
    close(stream);
    stream = null;
    lens.srcObject = null;
    show(false);
  }

  function show(yes) {
    lens.hidden = !yes;
    byId("guide").toggleAttribute("hidden", !yes);
    byId("count").hidden = true;
  }

  async function release() {
    if (!stream || calling) return;
    calling = new AbortController();
    const { signal } = calling;
    const ready = await countDown((count) => {
      byId("count").hidden = false;
      byId("count").textContent = String(count);
      say(String(count));
    }, signal);
    calling = null;
    byId("count").hidden = true;
    if (!ready) return;
    const photo = await grabbed(lens);
    shut();
    taken(photo);
  }

  byId("shutter").addEventListener("click", release);
  byId("turn-camera").addEventListener("click", () => {
    if (calling) return;
    facing = facing === "user" ? "environment" : "user";
    // Many phones open only one at a time.
    close(stream);
    look();
  });

  return {
    shut,
    open() {
      show(true);
      look();
    },
  };
}
