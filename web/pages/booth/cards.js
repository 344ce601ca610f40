// The cards to choose a style from: on the booth page, and over the live picture.

import { keepTrying } from "../app/images.js";
import { styleTitle } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const PALETTES = 6; // in cards.css

// {styles, comfyui, reason, comfyui_erases, keep_s}; no styles where there is no booth, null when the station does
// not answer.
export async function fetchStyles() {
  try {
    const response = await fetch("api/styles", { cache: "no-store" });
    if (response.status === 404) return { styles: [] };
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

// Whether the station makes some styles itself and its picture server others: then cards say who makes them.
export function isMixed(styles) {
  return new Set(styles.map(({ made_by }) => made_by)).size > 1;
}

// What a card shows: an example or a drawing, the title, and a note on who makes it, if others make some styles
// (`mixed`). `index` is the card's position.
export function styleCard(style, words, index, mixed) {
  const picture = style.example ? example(style.example) : drawing(index);
  const title = document.createElement("span");
  title.className = "title";
  title.textContent = styleTitle(style, words);
  const inside = [picture, title];
  const isMarked = mixed && style.made_by === "laptop";
  const note = (isMarked && "style.laptop") || (style.away && "style.away");
  if (note) {
    const mark = document.createElement("span");
    mark.className = "made";
    mark.textContent = words.say(note);
    inside.push(mark);
  }
  return inside;
}

// The styles as radio buttons in `group`; `chosen` gets the id of a style.
export function radioCards(group, { styles, selected, words, chosen }) {
  const legend = group.querySelector("legend");
  const mixed = isMixed(styles);
  const cards = styles.map((style, index) => {
    const card = document.createElement("label");
    card.className = "card";
    card.dataset.madeBy = style.made_by;
    const radio = Object.assign(document.createElement("input"), {
      type: "radio",
      name: "style",
      value: style.id,
      className: "unseen",
      checked: style.id === selected,
    });
    radio.addEventListener("change", () => chosen(style.id));
    card.append(radio, ...styleCard(style, words, index, mixed));
    return card;
  });
  group.replaceChildren(legend, ...cards);
}

function example(address) {
  const image = keepTrying(document.createElement("img"));
  return Object.assign(image, { alt: "", loading: "lazy", className: "example", src: address });
}

// A drawn portrait in one of the palettes, for styles without an example.
function drawing(index) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 80 60");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `example palette-${index % PALETTES}`);
  svg.append(
    shape("rect", { width: 80, height: 60, class: "sky" }),
    shape("circle", { cx: 62, cy: 15, r: 8, class: "sun" }),
    shape("path", { d: "M18 60c2-13 10-18 22-18s20 5 22 18z", class: "coat" }),
    shape("ellipse", { cx: 40, cy: 28, rx: 12, ry: 15, class: "skin" }),
    shape("path", { d: "M28 27c-1-12 5-17 12-17s13 5 12 17c-3-6-6-8-12-8s-9 2-12 8z", class: "hair" }),
  );
  return svg;
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
