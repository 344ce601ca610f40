// The gallery: asks for the pictures, and shows them as a grid or one after the other.

import { offerSunlight } from "../app/sunlight.js";
import { speakLanguage } from "../app/translated.js";
import { makeAdmin } from "./admin.js";
import { drawGrid } from "./grid.js";
import { makeLightbox } from "./lightbox.js";
import { makeSlideshow } from "./slideshow.js";

const EVERY_MS = 10000;
const byId = (id) => document.getElementById(id);

let pictures = [];
let words = null;
let heard = false;
let timer = 0;

const admin = makeAdmin({ changed: ask, words: () => words });
const isShow = new URLSearchParams(location.search).has("slideshow");
const parts = { list: () => pictures, words: () => words };
const view = isShow ? makeSlideshow({ ...parts, list: shownOnes }) : makeLightbox(parts);

// The kiosk never shows what is hidden, whoever is logged in there.
function shownOnes() {
  return pictures.filter(({ hidden }) => !hidden);
}

async function ask() {
  clearTimeout(timer);
  try {
    const response = await fetch("api/gallery", { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    ({ pictures } = await response.json());
    heard = true;
    trouble(null);
  } catch {
    trouble("gallery.unreachable");
  }
  show();
  timer = setTimeout(ask, EVERY_MS);
}

function show() {
  if (!heard || !words) return;
  if (!isShow) {
    drawGrid(pictures, { words, admin: admin.is(), act });
    byId("empty").hidden = pictures.length > 0;
  }
  view.refresh();
}

async function act(action, picture) {
  if (action === "open") return view.show(picture);
  await admin.act(action, picture);
  return ask();
}

function trouble(key) {
  byId("trouble").hidden = !key;
  if (key && words) byId("trouble").textContent = words.say(key);
}

offerSunlight(byId("sunlight"));
speakLanguage(byId("language"), (next) => {
  words = next;
  show();
});
admin.resume().then(ask);
document.addEventListener("visibilitychange", () => !document.hidden && ask());
