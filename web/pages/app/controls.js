// The five buttons of the live page, their letter keys, and full screen.

import { byId, recall, remember, timestamp } from "./page.js";

// `picture()` gives the rectangle that the picture fills.
export function makeControls({ currentVideo, picture, statistics, words, speak }) {
  const toggle = byId("button-statistics");
  const snapshot = byId("button-snapshot");
  const full = byId("button-fullscreen");

  const toggleFullscreen = makeFullscreen(currentVideo, (inside) => {
    full.setAttribute("aria-pressed", String(inside));
  });
  full.hidden = !toggleFullscreen;
  full.addEventListener("click", () => toggleFullscreen?.());

  function toggleStatistics(open = !statistics.open) {
    statistics.show(open);
    toggle.setAttribute("aria-expanded", String(open));
    byId("line-admin").hidden = recall("carrier.admin") !== "1";
  }
  toggle.addEventListener("click", () => toggleStatistics());

  // A plain link, which saves the picture even without scripts; here it gets a file name.
  snapshot.addEventListener("click", () => {
    snapshot.href = `snapshot.jpg?t=${Date.now()}`;
    snapshot.download = `carrier-${timestamp(new Date())}.jpg`;
    flash();
    speak(words.say("live.saved"));
  });

  // The dialog of styles is fetched on its first use.
  let moment = null;
  byId("button-stylise").addEventListener("click", async () => {
    moment ??= import("./moment.js").then(({ makeMoment }) => makeMoment({ flash, picture, words }));
    try {
      (await moment).open();
    } catch {
      moment = null;
      speak(words.say("live.unanswered"));
    }
  });

  return makeLetterKeys(byId("keys"), {
    s: () => toggleStatistics(),
    p: () => snapshot.click(),
    m: () => byId("button-stylise").click(),
    l: () => byId("button-sunlight").click(),
    f: () => full.click(),
    Escape: () => toggleStatistics(false),
  });
}

function flash() {
  const overlay = byId("flash");
  overlay.classList.remove("on");
  void overlay.offsetWidth; // restarts the animation
  overlay.classList.add("on");
}

const KEYS_NAME = "carrier.letter_keys";

// Speech input presses single letters by accident, so that `box` can turn them off (WCAG 2.1.4). `actions`
// are by letter, or by a key's name; those always work.
function makeLetterKeys(box, actions) {
  box.checked = recall(KEYS_NAME) !== "0";
  box.addEventListener("change", () => {
    remember(KEYS_NAME, box.checked ? "1" : "0");
    show();
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const letter = event.key.length === 1;
    // In a list a letter looks for an entry.
    if (letter && (!box.checked || event.target.localName === "select")) return;
    actions[letter ? event.key.toLowerCase() : event.key]?.();
  });

  // A button's title names its key: "Statistics (S)".
  function show() {
    for (const button of document.querySelectorAll("[aria-keyshortcuts], [data-key]")) {
      const key = (button.dataset.key ??= button.getAttribute("aria-keyshortcuts"));
      const suffix = ` (${key.toUpperCase()})`;
      const title = button.title.replace(suffix, "");
      button.title = box.checked ? title + suffix : title;
      if (box.checked) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    }
  }

  show();
  return { reworded: show };
}

// Full screen by three names: the standard's, old Safari's, and the iPhone's (videos only). Gives a
// function that toggles it, or null where the browser has none of them.
function makeFullscreen(currentVideo, changed) {
  const root = document.documentElement;
  const enter = root.requestFullscreen ?? root.webkitRequestFullscreen;
  if (!enter) {
    if (!("webkitEnterFullscreen" in HTMLVideoElement.prototype)) return null;
    return () => currentVideo().webkitEnterFullscreen?.();
  }
  const inside = () => Boolean(document.fullscreenElement ?? document.webkitFullscreenElement);
  for (const name of ["fullscreenchange", "webkitfullscreenchange"]) {
    document.addEventListener(name, () => changed(inside()));
  }
  return async () => {
    try {
      if (inside()) return await (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
      await enter.call(root, { navigationUI: "hide" });
      // Only phones can turn their screen.
      await screen.orientation?.lock?.("landscape");
    } catch {
      // Refused (an iframe, no gesture, no lock on a laptop): the page stays as it is.
    }
  };
}
