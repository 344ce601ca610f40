// The five buttons and their keys.

import { makeFullscreen } from "./fullscreen.js";
import { stamp } from "./stamp.js";

const byId = (id) => document.getElementById(id);

export function makeControls({ currentVideo, statistics, words, speak }) {
  const figures = byId("button-statistics");
  const snapshot = byId("button-snapshot");
  const sunlight = byId("button-sunlight");
  const full = byId("button-fullscreen");

  const fullscreen = makeFullscreen(currentVideo, (inside) => {
    full.setAttribute("aria-pressed", String(inside));
  });
  full.hidden = !fullscreen;
  full.addEventListener("click", () => fullscreen?.toggle());

  function toggleStatistics(open = !statistics.open) {
    statistics.show(open);
    figures.setAttribute("aria-expanded", String(open));
  }
  figures.addEventListener("click", () => toggleStatistics());

  // A plain link: it saves the picture even where scripts fail. Here it only gets its name.
  snapshot.addEventListener("click", () => {
    snapshot.href = `/snapshot.jpg?t=${Date.now()}`;
    snapshot.download = `carrier-${stamp(new Date())}.jpg`;
    flash();
    speak(words.say("live.saved"));
  });

  // What is behind it is fetched when somebody first asks for it.
  let moment = null;
  byId("button-stylise").addEventListener("click", async () => {
    moment ??= import("./moment/moment.js").then(({ makeMoment }) => makeMoment({ flash, words }));
    try {
      (await moment).open();
    } catch {
      moment = null;
      speak(words.say("live.unanswered"));
    }
  });

  showSunlight(sunlight, inSunlight());
  sunlight.addEventListener("click", () => setSunlight(sunlight, !inSunlight()));

  onKeys({
    s: () => toggleStatistics(),
    p: () => snapshot.click(),
    m: () => byId("button-stylise").click(),
    l: () => sunlight.click(),
    f: () => fullscreen?.toggle(),
    Escape: () => toggleStatistics(false),
  });
}

function onKeys(actions) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const letter = event.key.length === 1;
    // In a list a letter looks for an entry.
    if (letter && event.target.localName === "select") return;
    const action = actions[letter ? event.key.toLowerCase() : event.key];
    if (action) action();
  });
}

function inSunlight() {
  return document.documentElement.dataset.theme === "sunlight";
}

function setSunlight(button, yes) {
  if (yes) document.documentElement.dataset.theme = "sunlight";
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem("carrier.sunlight", yes ? "1" : "0");
  } catch {
    // Not remembered in a private window.
  }
  showSunlight(button, yes);
}

// The browser's own bars follow the theme as well.
function showSunlight(button, yes) {
  button.setAttribute("aria-pressed", String(yes));
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
    meta.dataset.own ??= meta.content;
    meta.content = yes ? "#ffffff" : meta.dataset.own;
  }
}

function flash() {
  const sheet = byId("flash");
  sheet.classList.remove("on");
  void sheet.offsetWidth; // starts the animation anew
  sheet.classList.add("on");
}
