// The pictures as a grid.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";
import { styleTitle } from "../booth/words.js";

const items = new Map(); // id to {item, drawn}

export function caption({ style, title, made_by, made_at_unix_ms, carrier }, words) {
  if (carrier) return `${styleTitle({ title: title ?? style }, words)} · ${words.say("gallery.carrier", { name: carrier })}`;
  const at = new Date(made_at_unix_ms).toLocaleTimeString(words.language, {
    hour: "numeric",
    minute: "2-digit",
  });
  const name = styleTitle({ title: title ?? style }, words);
  const where = made_by === "laptop" ? ` · ${words.say("style.laptop")}` : "";
  return `${name} · ${at}${where}`;
}

// Draws only what changed, so that the other pictures keep their place and the focus. `act` gets ("open" | "hide" |
// "show" | "remove", picture); with `pick`(id, yes) each picture can be chosen.
export function drawGrid(pictures, { words, admin, act, pick }) {
  const grid = byId("grid");
  const there = new Set(pictures.map(({ id }) => id));
  for (const [id, { item }] of items) {
    if (there.has(id)) continue;
    item.remove();
    items.delete(id);
  }
  pictures.forEach((picture, index) => {
    const drawn = JSON.stringify([picture, words.language, admin]);
    const known = items.get(picture.id);
    let item = known?.item;
    if (known?.drawn !== drawn) {
      const focus = item?.contains(document.activeElement);
      const next = makeItem(picture, { words, admin, act, pick });
      item?.replaceWith(next);
      item = next;
      items.set(picture.id, { item, drawn });
      if (focus) item.querySelector("button").focus();
    }
    if (grid.children[index] !== item) grid.insertBefore(item, grid.children[index] ?? null);
  });
}

function makeItem(picture, { words, admin, act, pick }) {
  const item = document.createElement("li");
  item.classList.toggle("is-hidden", Boolean(picture.hidden || picture.waits));
  const open = document.createElement("button");
  open.type = "button";
  open.className = "thumb";
  const image = keepTrying(document.createElement("img"));
  const alt = caption(picture, words);
  Object.assign(image, { alt, loading: "lazy", src: picture.url });
  keepInView(image, picture.focus);
  open.append(image);
  open.addEventListener("click", () => act("open", picture));
  item.append(open);
  if (picture.waits) item.append(Object.assign(document.createElement("p"), { className: "small", textContent: words.say("gallery.waits") }));
  if (pick) item.append(makePick(picture, words, pick));
  if (admin) item.append(makeTools(picture, words, act));
  return item;
}

// Faces stay in view where the picture is cropped.
function keepInView(image, focus) {
  if (!focus) return;
  const place = () => (image.style.objectPosition = objectPosition(focus, image.naturalWidth, image.naturalHeight));
  image.addEventListener("load", place);
}

// The CSS object-position by which a square crop has the point `focus` (in fractions) in its middle, as far as the
// picture reaches.
export function objectPosition({ x, y }, width, height) {
  const side = Math.min(width, height);
  const percent = (at, length) => {
    const hidden = length - side;
    const share = hidden > 0 ? (at * length - side / 2) / hidden : 0.5;
    return `${Math.round(Math.min(Math.max(share, 0), 1) * 100)}%`;
  };
  return `${percent(x, width)} ${percent(y, height)}`;
}

function makePick({ id, ...picture }, words, pick) {
  const label = Object.assign(document.createElement("label"), { className: "tick pick" });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: id });
  box.setAttribute("aria-label", words.say("control.bulk.pick", { name: caption(picture, words) }));
  box.addEventListener("change", () => pick(id, box.checked));
  label.append(box);
  return label;
}

function makeTools(picture, words, act) {
  const bar = document.createElement("div");
  bar.className = "tools";
  const button = (key, action) => {
    const one = document.createElement("button");
    one.type = "button";
    one.textContent = words.say(key);
    one.addEventListener("click", () => action(one));
    return one;
  };
  const remove = button("admin.remove", (one) => {
    // The second press is the confirmation.
    if (one.dataset.sure) return act("remove", picture);
    one.dataset.sure = "yes";
    one.classList.add("bad");
    one.textContent = words.say("admin.sure");
    return undefined;
  });
  // What waits is shown or refused.
  if (picture.carrier) {
    bar.append(button("admin.hide", () => act("hide", picture)));
    return bar;
  }
  const changes = picture.waits ? ["show", "hide"] : [picture.hidden ? "show" : "hide"];
  bar.append(...changes.map((change) => button(`admin.${change}`, () => act(change, picture))), remove);
  return bar;
}
