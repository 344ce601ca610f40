// The gallery: fetches the pictures, and shows them as a grid or as a slideshow.

import { byId } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { makeAdmin } from "./admin.js";
import { makeLightbox } from "./lightbox.js";
import { drawGrid } from "./pictures.js";
import { makeSlideshow } from "./slideshow.js";

const EVERY_MS = 10000;

let pictures = [];
let isOpen = true;
let words = null;
let received = false;
let asked = location.hash.slice(1); // the id of the picture that a link opens
let timer = 0;

const admin = makeAdmin({ changed: load, words: () => words });
const isShow = new URLSearchParams(location.search).has("slideshow");
const parts = { list: () => pictures, words: () => words };
const view = isShow ? makeSlideshow({ ...parts, list: shownOnes }) : makeLightbox(parts);

// The slideshow leaves out what others do not see, even when the owner is logged in.
function shownOnes() {
  return pictures.filter(({ hidden, waits }) => !hidden && !waits);
}

// Small pictures of other carriers. What passes by itself would draw them anew each time.
function othersOf({ carriers = [] }) {
  return carriers.map(({ expires_in_s: _, ...picture }) => picture);
}

async function load() {
  clearTimeout(timer);
  try {
    const response = await fetch("api/gallery", { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const answer = await response.json();
    isOpen = answer.open;
    pictures = [...answer.pictures, ...othersOf(answer)];
    received = true;
    trouble(null);
  } catch {
    trouble("gallery.unreachable");
  }
  show();
  timer = setTimeout(load, EVERY_MS);
}

function show() {
  if (!received || !words) return;
  if (!isShow) {
    drawGrid(pictures, { words, admin: admin.is(), act });
    byId("empty").hidden = pictures.length > 0;
    byId("empty-title").textContent = words.say(isOpen === false ? "gallery.closed" : "gallery.empty");
    byId("empty-how").hidden = isOpen === false;
  }
  view.refresh();
  openAsked();
}

// Once, so that it can be closed.
function openAsked() {
  const found = asked && !isShow && pictures.find(({ id }) => id === asked);
  if (!found) return;
  asked = "";
  view.show(found);
}

async function act(action, picture) {
  if (action === "open") return view.show(picture);
  await admin.act(action, picture);
  return load();
}

function trouble(key) {
  byId("trouble").hidden = !key;
  if (key && words) byId("trouble").textContent = words.say(key);
}

translatePage((next) => {
  words = next;
  show();
});
admin.resume().then(load);
addEventListener("hashchange", () => {
  asked = location.hash.slice(1);
  show();
});
document.addEventListener("visibilitychange", () => !document.hidden && load());
