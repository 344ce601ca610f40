// The page at /api/tracks for people: the current tracks as a list.

import { className } from "./class_name.js";
import { byId } from "./page.js";
import { translatePage } from "./translated.js";

const DRAW_EVERY_MS = 500;

let words = null;
let tracks = null; // null: none received yet
let lost = false;

function show() {
  if (!words) return;
  byId("tracks").replaceChildren(...(tracks ?? []).map(line));
  byId("none").hidden = !lost && (tracks === null || tracks.length > 0);
  byId("none").textContent = words.say(lost ? "gallery.unreachable" : "tracks.none");
}

function line({ class: name, score, id }) {
  const item = document.createElement("li");
  item.textContent = words.say("tracks.line", { name: className(words, name), percent: Math.round(score * 100), id: String(id) });
  return item;
}

const events = new EventSource(new URL("../api/tracks", import.meta.url));
events.addEventListener("message", ({ data }) => {
  ({ tracks } = JSON.parse(data));
  lost = false;
});
events.addEventListener("error", () => (lost = true));
setInterval(show, DRAW_EVERY_MS);
translatePage((next) => {
  words = next;
  show();
});
