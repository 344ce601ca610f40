// The mask editor: polygons over the live picture, moved by pointer and by keyboard. Nothing is sent before it is
// applied.

import { byId, setText } from "../app/page.js";
import { make } from "./make.js";
import { isSame } from "./patch.js";
import { CORNERS_MIN, freeName, keyMove, movedBy, movedTo, newMask, shifted, svgPoints, withCorner, withoutCorner } from "./polygon.js";

const KEY = "privacy.masks";
const SVG = "http://www.w3.org/2000/svg";

// `change(key, value)` sends the masks, `announce(text)` speaks.
export function makeMasks({ words, change, announce, tell }) {
  const frame = byId("frame");
  const shapes = byId("mask-shapes");
  const corners = byId("mask-points");
  let station = []; // the masks that the station has
  let masks = []; // as edited
  let chosen = 0;
  let corner = 0;
  let isChanged = false;
  let sent = null; // the masks of the last request

  const isOpen = () => byId("masks").open;

  function edit(index, mask) {
    masks = masks.map((one, at) => (at === index ? mask : one));
    isChanged = true;
    fault("");
    drawShapes();
    drawState();
  }

  function draw() {
    chosen = Math.max(Math.min(chosen, masks.length - 1), 0);
    corner = Math.max(Math.min(corner, (masks[chosen]?.points.length ?? 1) - 1), 0);
    drawShapes();
    drawList();
    drawState();
  }

  function drawShapes() {
    const shown = isOpen();
    shapes.toggleAttribute("hidden", !shown);
    corners.hidden = !shown;
    if (!shown) return;
    while (shapes.childElementCount > masks.length) shapes.lastChild.remove();
    while (shapes.childElementCount < masks.length) shapes.append(shape(shapes.childElementCount));
    masks.forEach((mask, at) => {
      shapes.children[at].setAttribute("points", svgPoints(mask));
      shapes.children[at].classList.toggle("chosen", at === chosen);
    });
    const points = masks[chosen]?.points ?? [];
    while (corners.childElementCount > points.length) corners.lastChild.remove();
    while (corners.childElementCount < points.length) corners.append(handle(corners.childElementCount));
    points.forEach(([x, y], at) => {
      const button = corners.children[at];
      button.style.left = `${x * 100}%`;
      button.style.top = `${y * 100}%`;
      button.setAttribute("aria-label", place(at));
      button.classList.toggle("chosen", at === corner);
    });
  }

  function place(at) {
    const { points } = masks[chosen];
    const [x, y] = points[at].map((part) => Math.round(part * 100));
    return words().say("control.masks.point", { number: at + 1, of: points.length, x, y });
  }

  function shape(index) {
    const polygon = document.createElementNS(SVG, "polygon");
    polygon.addEventListener("pointerdown", (event) => {
      choose(index);
      drag(event, polygon, (dx, dy, from) => edit(index, shifted(from, dx, dy)), masks[index]);
    });
    return polygon;
  }

  function handle(index) {
    const button = make("button", { type: "button", className: "corner" });
    button.setAttribute("aria-describedby", "mask-how");
    button.addEventListener("focus", () => {
      corner = index;
      drawShapes();
    });
    button.addEventListener("pointerdown", (event) => {
      button.focus();
      const move = (dx, dy, [x, y]) => edit(chosen, movedTo(masks[chosen], index, x + dx, y + dy));
      drag(event, button, move, masks[chosen].points[index]);
    });
    button.addEventListener("keydown", (event) => {
      const by = keyMove(event.key, event.shiftKey);
      if (by) edit(chosen, movedBy(masks[chosen], index, ...by));
      else if (event.key === "Delete" || event.key === "Backspace") removeCorner();
      else return;
      event.preventDefault();
      if (by) announce(place(index));
    });
    return button;
  }

  // `move(dx, dy, from)` gets how far the pointer is from where it began, in parts of the picture.
  function drag(event, element, move, from) {
    if (event.button !== 0) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    const [x, y] = [event.clientX, event.clientY];
    const moved = (now) => move((now.clientX - x) / box.width, (now.clientY - y) / box.height, from);
    const end = () => {
      element.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) element.removeEventListener(name, end);
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, end);
  }

  function drawList() {
    byId("mask-list").replaceChildren(...masks.map(entry));
  }

  function entry(mask, index) {
    const say = words().say;
    const pick = make("button", { type: "button", textContent: String(index + 1) });
    pick.setAttribute("aria-label", `${index + 1}: ${mask.name}`);
    pick.setAttribute("aria-pressed", String(index === chosen));
    pick.addEventListener("click", () => choose(index));
    const name = make("input", { type: "text", value: mask.name, maxLength: 60, autocomplete: "off" });
    name.setAttribute("aria-label", say("control.masks.name", { number: index + 1 }));
    name.addEventListener("input", () => edit(index, { ...masks[index], name: name.value }));
    name.addEventListener("focus", () => choose(index));
    const remove = make("button", { type: "button", className: "bad", textContent: say("admin.remove") });
    remove.setAttribute("aria-label", say("control.masks.remove", { name: mask.name }));
    remove.addEventListener("click", () => {
      masks = masks.filter((_, at) => at !== index);
      isChanged = true;
      draw();
      byId("mask-add").focus();
    });
    return make("li", {}, pick, name, remove);
  }

  function choose(index) {
    if (index === chosen) return;
    chosen = index;
    corner = 0;
    drawShapes();
    [...byId("mask-list").children].forEach((item, at) => item.firstChild.setAttribute("aria-pressed", String(at === chosen)));
    drawState();
  }

  function drawState() {
    const points = masks[chosen]?.points.length ?? 0;
    byId("mask-more").disabled = points === 0;
    byId("mask-fewer").disabled = points <= CORNERS_MIN;
    byId("mask-apply").disabled = !isChanged;
    byId("mask-discard").disabled = !isChanged;
    const say = words().say;
    setText(byId("mask-count"), say("control.masks.count", { count: station.length }));
    setText(byId("mask-state"), isChanged ? say("control.masks.changed") : "");
  }

  function removeCorner() {
    const { mask, index } = withoutCorner(masks[chosen], corner);
    if (mask === masks[chosen]) return;
    corner = index;
    edit(chosen, mask);
    corners.children[index].focus();
  }

  function fault(text) {
    byId("mask-fault").hidden = !text;
    setText(byId("mask-fault"), text);
  }

  byId("masks").addEventListener("toggle", () => {
    frame.classList.toggle("edited", isOpen());
    draw();
  });
  byId("mask-add").addEventListener("click", () => {
    masks = [...masks, newMask(freeName(masks, words().say("control.masks.one")))];
    chosen = masks.length - 1;
    corner = 0;
    isChanged = true;
    draw();
    corners.firstChild.focus({ preventScroll: true });
    frame.scrollIntoView({ block: "nearest" });
  });
  byId("mask-more").addEventListener("click", () => {
    const { mask, index } = withCorner(masks[chosen], corner);
    corner = index;
    edit(chosen, mask);
    announce(place(index));
  });
  byId("mask-fewer").addEventListener("click", removeCorner);
  byId("mask-apply").addEventListener("click", () => {
    sent = masks;
    change(KEY, masks);
  });
  byId("mask-discard").addEventListener("click", () => {
    isChanged = false;
    masks = station;
    fault("");
    draw();
  });

  return {
    key: KEY,
    fault,
    // Another person's masks do not replace what is being edited here.
    show(setting) {
      byId("masks").hidden = !setting;
      station = setting?.value ?? [];
      if (!isChanged && !isSame(masks, station)) {
        masks = station;
        draw();
      } else drawState();
    },
    // The station has taken what was sent; it may have rounded the numbers.
    applied() {
      if (masks === sent) {
        isChanged = false;
        masks = station;
        draw();
      }
      tell(words().say("control.masks.applied"), { isBrief: true });
    },
    reworded: draw,
  };
}
