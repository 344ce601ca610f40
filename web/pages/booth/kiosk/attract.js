// What a shared device shows while nobody is there: pictures of the gallery in turn, or examples of styles, and the
// button that begins.

import { byId, setText } from "../../app/page.js";
import { translate } from "../../app/translated.js";
import { fetchStyles } from "../cards.js";
import { styleTitle } from "../words.js";

const TURN_MS = 6000;
const LIST_EVERY_MS = 30000; // pictures that were hidden or erased are gone after this
const PICTURES_MAX = 12; // the newest

const PARTS = `
  <div id="attract-pictures" aria-hidden="true"><img alt=""><img alt=""></div>
  <p id="attract-caption" aria-hidden="true"></p>
  <div id="attract-words">
    <h2 id="attract-heading" data-words="kiosk.heading">Your picture, painted here</h2>
    <p class="note" id="attract-note" role="status" hidden></p>
    <button type="button" class="big" id="attract-begin" data-words="kiosk.begin">Touch to begin</button>
    <p id="attract-hint" data-words="kiosk.hint" hidden>Or look into the camera and keep still for three seconds.</p>
  </div>`;

// `begin()` starts a visit.
export function makeAttract({ begin }) {
  const section = Object.assign(document.createElement("section"), { id: "attract", innerHTML: PARTS });
  section.setAttribute("aria-labelledby", "attract-heading");
  byId("booth").prepend(section);
  const part = (name) => section.querySelector(`#attract-${name}`);
  const images = [...section.querySelectorAll("img")];
  let words = null;
  let pictures = []; // {address, style}
  let shown = null; // the address
  let turning = 0;
  let listing = 0;

  async function list() {
    clearTimeout(listing);
    listing = setTimeout(list, LIST_EVERY_MS);
    const found = (await galleryPictures()) ?? (await examples());
    // Without an answer the pictures stay.
    if (found === null) return;
    pictures = found;
    if (shown === null || !pictures.some(({ address }) => address === shown)) turn();
  }

  async function turn() {
    clearTimeout(turning);
    turning = setTimeout(turn, TURN_MS);
    const next = pictures[(pictures.findIndex(({ address }) => address === shown) + 1) % pictures.length];
    if (!next) return hideAll();
    if (next.address === shown) return undefined;
    const [front, back] = images[0].classList.contains("on") ? images : [images[1], images[0]];
    back.src = next.address;
    try {
      await back.decode();
    } catch {
      // Erased meanwhile: the next turn shows another one.
      pictures = pictures.filter(({ address }) => address !== next.address);
      return undefined;
    }
    shown = next.address;
    back.classList.add("on");
    front.classList.remove("on");
    part("caption").textContent = caption(next);
    return undefined;
  }

  function hideAll() {
    shown = null;
    part("caption").textContent = "";
    for (const image of images) {
      image.classList.remove("on");
      image.removeAttribute("src");
    }
  }

  function caption({ style }) {
    return words ? styleTitle({ title: style }, words) : "";
  }

  section.addEventListener("click", begin);

  return {
    reworded(next) {
      words = next;
      translate(section, words.say);
    },
    // Runs while nobody is there.
    show(yes, note) {
      if (yes && !listing) {
        list();
        turning = setTimeout(turn, TURN_MS);
      }
      if (!yes) {
        clearTimeout(turning);
        clearTimeout(listing);
        listing = 0;
      }
      part("note").hidden = !note;
      if (note) setText(part("note"), words.say(`note.${note}`));
    },
    focus: () => part("begin").focus({ preventScroll: true }),
    // Only a station that detects faces offers it.
    offerHold: () => (part("hint").hidden = false),
    hold: (share) => part("begin").style.setProperty("--hold", String(share)),
  };
}

// Null where there are none, or no answer.
async function galleryPictures() {
  try {
    const response = await fetch("api/gallery", { cache: "no-store" });
    if (!response.ok) return null;
    const { pictures } = await response.json();
    const agreed = pictures.filter(({ hidden, waits }) => !hidden && !waits).slice(0, PICTURES_MAX);
    return agreed.length > 0 ? agreed.map(({ url, title }) => ({ address: url, style: title })) : null;
  } catch {
    return null;
  }
}

async function examples() {
  const offer = await fetchStyles();
  const styles = offer?.styles.filter(({ example }) => example);
  return styles?.map(({ example, title }) => ({ address: example, style: title })) ?? null;
}
