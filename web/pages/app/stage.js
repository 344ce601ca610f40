// Two video elements, one over the other. A new connection plays in the upper one, which is
// transparent until its first picture: the old picture stays in place while a new one is fetched,
// and nothing jumps or flashes.

import { watchFrames } from "./frames.js";

export function makeStage(first, second, pictureSeen) {
  let front = first;
  let back = second;
  let shown = false; // whether the front one has shown a picture
  let stopWatching = () => {};

  return {
    get video() {
      return front;
    },
    // Plays `track` on top of what is there.
    play(track) {
      stopWatching();
      // A front one that never showed anything is used again: the back one keeps the old picture.
      if (shown) [front, back] = [back, front];
      shown = false;
      front.classList.add("front");
      back.classList.remove("front");
      front.srcObject = new MediaStream([track]);
      const incoming = front;
      const outgoing = back;
      stopWatching = watchFrames(incoming, (now, metadata) => {
        if (!shown) {
          shown = true;
          outgoing.srcObject = null;
        }
        pictureSeen(incoming, now, metadata);
      });
      // Muted playback needs no gesture; a browser that refuses all the same (low-power mode)
      // plays on the first touch.
      incoming.play().catch(() => {
        addEventListener("pointerdown", () => incoming.play().catch(() => {}), { once: true });
      });
    },
    stop() {
      stopWatching();
      stopWatching = () => {};
    },
  };
}
