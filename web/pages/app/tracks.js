// What is seen now, for a person who opens the address that is meant for programs.

import { offerSunlight } from "./sunlight.js";
import { speakLanguage } from "./translated.js";

const EVERY_MS = 500; // as fast as anybody reads
const byId = (id) => document.getElementById(id);

let words = null;
let tracks = null; // null: nothing was heard
let lost = false;

function show() {
  if (!words) return;
  byId("tracks").replaceChildren(...(tracks ?? []).map(line));
  byId("none").hidden = !lost && (tracks === null || tracks.length > 0);
  byId("none").textContent = words.say(lost ? "gallery.unreachable" : "tracks.none");
}

function line({ class: name, score, id }) {
  const item = document.createElement("li");
  item.textContent = words.say("tracks.line", { name, percent: Math.round(score * 100), id: String(id) });
  return item;
}

const events = new EventSource(new URL("../api/tracks", import.meta.url));
events.addEventListener("message", ({ data }) => {
  ({ tracks } = JSON.parse(data));
  lost = false;
});
events.addEventListener("error", () => (lost = true));
setInterval(show, EVERY_MS);
offerSunlight(byId("sunlight"));
speakLanguage(byId("language"), (next) => {
  words = next;
  show();
});
