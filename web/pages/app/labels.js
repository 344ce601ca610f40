// The labels of the boxes at a size that can be read, over the painted ones, in the visitor's language. Fetched where the
// picture is so small that painted labels cannot be read.

import { className } from "./class_name.js";
import { labelPositions } from "./label_positions.js";
import { loadStyleSheet } from "./style_sheet.js";

const TRACKS = new URL("../api/tracks?fps=8", import.meta.url);
const LETTERS_MAX = 24;

// `picture()` gives the rectangle that the picture fills; `words` are those of live_words.js.
export async function makeLabels({ picture, words }) {
  await loadStyleSheet("app/labels.css");
  const layer = document.createElement("div");
  layer.id = "labels";
  layer.setAttribute("aria-hidden", "true");
  document.body.append(layer);
  const shown = new Map(); // by track: {element, text, side}
  let events = null;

  function draw({ tracks, labels, width, height }) {
    const place = picture();
    const bounds = { width: place.right - place.left, height: place.bottom - place.top };
    layer.style.translate = `${place.left}px ${place.top}px`;
    const named = labels === "none" ? [] : tracks;
    const scale = { x: bounds.width / width, y: bounds.height / height };
    forget(new Set(named.map(({ id }) => id)));
    const requests = named.map((track) => request(track, labels, scale));
    const sides = new Map([...shown].map(([id, { side }]) => [id, side]));
    const placed = new Map(labelPositions(requests, bounds, sides).map((one) => [one.id, one]));
    for (const [id, label] of shown) put(label, placed.get(id));
  }

  function request(track, labels, scale) {
    const [left, top, right, bottom] = track.box;
    const { element } = labelOf(track, labels);
    return {
      id: track.id,
      box: { left: left * scale.x, top: top * scale.y, right: right * scale.x, bottom: bottom * scale.y },
      width: element.offsetWidth,
      height: element.offsetHeight,
    };
  }

  function labelOf(track, labels) {
    const text = labelText(track, labels, words);
    let label = shown.get(track.id);
    if (!label) {
      label = { element: document.createElement("span"), text: null, side: undefined };
      shown.set(track.id, label);
      layer.append(label.element);
    }
    if (label.text !== text) label.element.textContent = label.text = text;
    label.element.style.background = track.colour;
    return label;
  }

  // Without room there is the painted label alone. A label glides from where it was, and does not glide to its first place.
  function put(label, position) {
    const { element } = label;
    element.classList.toggle("new", label.side === undefined);
    element.classList.toggle("away", !position);
    label.side = position?.side;
    if (position) element.style.translate = `${position.x}px ${position.y}px`;
  }

  function forget(ids) {
    for (const [id, { element }] of shown) {
      if (ids.has(id)) continue;
      element.remove();
      shown.delete(id);
    }
  }

  // In a window of another size they have other places, which the next event tells.
  addEventListener("resize", () => forget(new Set()));

  return {
    show(yes) {
      if (yes === (events !== null)) return;
      events?.close();
      events = null;
      forget(new Set());
      if (!yes) return;
      events = new EventSource(TRACKS);
      events.addEventListener("message", ({ data }) => draw(JSON.parse(data)));
      // Boxes of a picture that has gone on are none of this one.
      events.addEventListener("error", () => forget(new Set()));
    },
  };
}

// The number of a track is left out: there is no room for it.
export function labelText({ class: name, score }, labels, words) {
  const full = className(words, name);
  const short = full.length > LETTERS_MAX ? `${full.slice(0, LETTERS_MAX - 1)}…` : full;
  return labels === "name" ? short : `${short} ${Math.round(score * 100)}%`;
}
