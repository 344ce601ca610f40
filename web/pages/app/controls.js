// The five buttons and their keys.

import { makeFullscreen } from "./fullscreen.js";
import { makeLetterKeys } from "./letter_keys.js";
import { stamp } from "./stamp.js";
import { offerSunlight } from "./sunlight.js";

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
    snapshot.href = `snapshot.jpg?t=${Date.now()}`;
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

  offerSunlight(sunlight);

  return makeLetterKeys(byId("keys"), {
    s: () => toggleStatistics(),
    p: () => snapshot.click(),
    m: () => byId("button-stylise").click(),
    l: () => sunlight.click(),
    f: () => fullscreen?.toggle(),
    Escape: () => toggleStatistics(false),
  });
}

function flash() {
  const sheet = byId("flash");
  sheet.classList.remove("on");
  void sheet.offsetWidth; // starts the animation anew
  sheet.classList.add("on");
}
