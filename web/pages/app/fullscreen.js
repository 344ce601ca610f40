// Full screen by three names: the standard's, old Safari's, and the iPhone's (videos only).

// Null where the browser has none of them.
export function makeFullscreen(currentVideo, changed) {
  const root = document.documentElement;
  const enter = root.requestFullscreen ?? root.webkitRequestFullscreen;
  if (!enter) {
    if (!("webkitEnterFullscreen" in HTMLVideoElement.prototype)) return null;
    return { toggle: () => currentVideo().webkitEnterFullscreen?.() };
  }
  const inside = () => Boolean(document.fullscreenElement ?? document.webkitFullscreenElement);
  for (const name of ["fullscreenchange", "webkitfullscreenchange"]) {
    document.addEventListener(name, () => changed(inside()));
  }
  return {
    async toggle() {
      try {
        if (inside())
          return await (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
        await enter.call(root, { navigationUI: "hide" });
        // A wide picture wants a wide screen; only phones can turn theirs.
        await screen.orientation?.lock?.("landscape");
      } catch {
        // Refused (an iframe, no gesture, no lock on a laptop): the page stays as it is.
      }
    },
  };
}
