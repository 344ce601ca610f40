// The video element, and over it a canvas that holds the last picture while a new connection is
// made: browsers show black for a stream that ended, and a page that blinks looks broken.

import { watchFrames } from "./frames.js";

export function makeStage(video, last, pictureSeen) {
  let shown = false; // whether the video has a picture of the running connection
  let stopWatching = () => {};

  return {
    video,
    play(track) {
      this.hold();
      video.srcObject = new MediaStream([track]);
      stopWatching = watchFrames(video, (now, metadata) => {
        shown = true;
        last.hidden = true;
        pictureSeen(video, now, metadata);
      });
      // Muted playback needs no gesture; a browser that refuses all the same (low-power mode)
      // plays on the first touch.
      video.play().catch(() => {
        addEventListener("pointerdown", () => video.play().catch(() => {}), { once: true });
      });
    },
    // To be called before a connection is closed: afterwards there is nothing left to keep.
    hold() {
      stopWatching();
      stopWatching = () => {};
      if (!shown || !video.videoWidth) return;
      shown = false;
      last.width = video.videoWidth;
      last.height = video.videoHeight;
      last.getContext("2d", { alpha: false }).drawImage(video, 0, 0);
      last.hidden = false;
    },
  };
}
