// The button that turns sounds on. They are off until a visitor wants them; the choice is remembered. sounds.js is fetched
// on the first use.

import { recall, remember } from "../app/page.js";

const NAME = "carrier.play.sound";

// `play(cue)` makes a sound if they are on.
export function makeSoundSwitch(button) {
  let isOn = recall(NAME) === "1";
  let sounds = null;

  button.hidden = !(globalThis.AudioContext ?? globalThis.webkitAudioContext);
  show();

  function show() {
    button.setAttribute("aria-pressed", String(isOn));
  }

  async function wake() {
    try {
      sounds ??= (await import("./sounds.js")).makeSounds();
      await sounds.wake();
    } catch {
      // Not fetched: the next touch tries it again.
    }
  }

  button.addEventListener("click", async () => {
    isOn = !isOn;
    remember(NAME, isOn ? "1" : "0");
    show();
    if (!isOn) return sounds?.sleep();
    await wake();
    return sounds?.play("on");
  });
  // After a reload: browsers want a touch or a key first.
  for (const name of ["pointerup", "keydown"]) addEventListener(name, () => isOn && wake());

  return { play: (cue) => isOn && sounds?.play(cue) };
}
