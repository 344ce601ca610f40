// The simple stream: JPEG after JPEG into an <img>, for networks that let no WebRTC through.

// One transparent pixel. An <img> that is only hidden keeps downloading; this ends it.
const NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const FPS = 15;

export function makeFallback(image, failed) {
  let shown = false;
  image.addEventListener("error", () => shown && failed());
  return {
    show(yes) {
      if (yes === shown) return;
      shown = yes;
      // The time makes each start a new request, not a cached end of the last one.
      image.src = yes ? `stream.mjpg?fps=${FPS}&t=${Date.now()}` : NOTHING;
      image.hidden = !yes;
    },
  };
}
