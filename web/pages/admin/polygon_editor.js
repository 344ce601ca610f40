// The editor of polygons over the live picture, for masks and for zones: moved by pointer and by keyboard. Nothing is sent
// before it is applied.

import { byId, setText } from "../app/page.js";
import { make } from "./make.js";
import { isSame } from "./patch.js";
import { CORNERS_MIN, freeName, keyMove, movedBy, movedTo, newMask, shifted, svgPoints, withCorner, withoutCorner } from "./polygon.js";

const SVG = "http://www.w3.org/2000/svg";
const openEditors = new Set(); // one at a time has the picture

// `key`: of the setting. `parts`: {details, shapes, points, how, list, more, fewer, add, apply, discard, count, state, fault},
// elements of the page. `texts`: where texts begin that are not those of masks. `longestName`: in characters.
// `more(polygon, index, edit)` gives more elements of an entry of the list. `change(key, value)` sends the polygons,
// `announce(text)` speaks.
export function makePolygonEditor({ key, parts, texts, longestName, more = () => [], words, change, announce, tell }) {
  const frame = byId("frame");
  const { shapes, points: corners } = parts;
  let station = []; // the polygons that the station has
  let polygons = []; // as edited
  let chosen = 0;
  let corner = 0;
  let isChanged = false;
  let sent = null; // the polygons of the last request

  const isOpen = () => parts.details.open;

  function edit(index, polygon) {
    polygons = polygons.map((one, at) => (at === index ? polygon : one));
    isChanged = true;
    fault("");
    drawShapes();
    drawState();
  }

  function draw() {
    chosen = Math.max(Math.min(chosen, polygons.length - 1), 0);
    corner = Math.max(Math.min(corner, (polygons[chosen]?.points.length ?? 1) - 1), 0);
    drawShapes();
    drawList();
    drawState();
  }

  function drawShapes() {
    const shown = isOpen();
    shapes.toggleAttribute("hidden", !shown);
    corners.hidden = !shown;
    if (!shown) return;
    while (shapes.childElementCount > polygons.length) shapes.lastChild.remove();
    while (shapes.childElementCount < polygons.length) shapes.append(shape(shapes.childElementCount));
    polygons.forEach((polygon, at) => {
      shapes.children[at].setAttribute("points", svgPoints(polygon));
      shapes.children[at].classList.toggle("chosen", at === chosen);
      shapes.children[at].classList.toggle("ignored", polygon.kind === "ignore");
    });
    const points = polygons[chosen]?.points ?? [];
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
    const { points } = polygons[chosen];
    const [x, y] = points[at].map((part) => Math.round(part * 100));
    return words().say("control.masks.point", { number: at + 1, of: points.length, x, y });
  }

  function shape(index) {
    const element = document.createElementNS(SVG, "polygon");
    element.addEventListener("pointerdown", (event) => {
      choose(index);
      drag(event, element, (dx, dy, from) => edit(index, shifted(from, dx, dy)), polygons[index]);
    });
    return element;
  }

  function handle(index) {
    const button = make("button", { type: "button", className: "corner" });
    button.setAttribute("aria-describedby", parts.how.id);
    button.addEventListener("focus", () => {
      corner = index;
      drawShapes();
    });
    button.addEventListener("pointerdown", (event) => {
      button.focus();
      const move = (dx, dy, [x, y]) => edit(chosen, movedTo(polygons[chosen], index, x + dx, y + dy));
      drag(event, button, move, polygons[chosen].points[index]);
    });
    button.addEventListener("keydown", (event) => {
      const by = keyMove(event.key, event.shiftKey);
      if (by) edit(chosen, movedBy(polygons[chosen], index, ...by));
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
    parts.list.replaceChildren(...polygons.map(entry));
  }

  function entry(polygon, index) {
    const say = words().say;
    const pick = make("button", { type: "button", textContent: String(index + 1) });
    pick.setAttribute("aria-label", `${index + 1}: ${polygon.name}`);
    pick.setAttribute("aria-pressed", String(index === chosen));
    pick.addEventListener("click", () => choose(index));
    const name = make("input", { type: "text", value: polygon.name, maxLength: longestName, autocomplete: "off" });
    name.setAttribute("aria-label", say(`${texts}.name`, { number: index + 1 }));
    name.addEventListener("input", () => edit(index, { ...polygons[index], name: name.value }));
    name.addEventListener("focus", () => choose(index));
    const remove = make("button", { type: "button", className: "bad", textContent: say("admin.remove") });
    remove.setAttribute("aria-label", say("control.masks.remove", { name: polygon.name }));
    remove.addEventListener("click", () => {
      polygons = polygons.filter((_, at) => at !== index);
      isChanged = true;
      draw();
      parts.add.focus();
    });
    return make("li", {}, pick, name, remove, ...more(polygon, index, (changed) => edit(index, { ...polygons[index], ...changed })));
  }

  function choose(index) {
    if (index === chosen) return;
    chosen = index;
    corner = 0;
    drawShapes();
    [...parts.list.children].forEach((item, at) => item.firstChild.setAttribute("aria-pressed", String(at === chosen)));
    drawState();
  }

  function drawState() {
    const points = polygons[chosen]?.points.length ?? 0;
    parts.more.disabled = points === 0;
    parts.fewer.disabled = points <= CORNERS_MIN;
    parts.apply.disabled = !isChanged;
    parts.discard.disabled = !isChanged;
    const say = words().say;
    setText(parts.count, say(`${texts}.count`, { count: station.length }));
    setText(parts.state, isChanged ? say("control.masks.changed") : "");
  }

  function removeCorner() {
    const { mask: polygon, index } = withoutCorner(polygons[chosen], corner);
    if (polygon === polygons[chosen]) return;
    corner = index;
    edit(chosen, polygon);
    corners.children[index].focus();
  }

  function fault(text) {
    parts.fault.hidden = !text;
    setText(parts.fault, text);
  }

  function toggled() {
    if (isOpen()) {
      for (const other of openEditors) other.open = other === parts.details;
      openEditors.add(parts.details);
    } else openEditors.delete(parts.details);
    frame.classList.toggle("edited", openEditors.size > 0);
    draw();
  }

  parts.details.addEventListener("toggle", toggled);
  parts.add.addEventListener("click", () => {
    polygons = [...polygons, newMask(freeName(polygons, words().say(`${texts}.one`)))];
    chosen = polygons.length - 1;
    corner = 0;
    isChanged = true;
    draw();
    corners.firstChild.focus({ preventScroll: true });
    frame.scrollIntoView({ block: "nearest" });
  });
  parts.more.addEventListener("click", () => {
    const { mask: polygon, index } = withCorner(polygons[chosen], corner);
    corner = index;
    edit(chosen, polygon);
    announce(place(index));
  });
  parts.fewer.addEventListener("click", removeCorner);
  parts.apply.addEventListener("click", () => {
    sent = polygons;
    change(key, polygons);
  });
  parts.discard.addEventListener("click", () => {
    isChanged = false;
    polygons = station;
    fault("");
    draw();
  });

  return {
    key,
    fault,
    // Another person's polygons do not replace what is being edited here.
    show(setting) {
      parts.details.hidden = !setting;
      station = setting?.value ?? [];
      if (!isChanged && !isSame(polygons, station)) {
        polygons = station;
        draw();
      } else drawState();
    },
    // The station has taken what was sent; it may have rounded the numbers.
    applied() {
      if (polygons === sent) {
        isChanged = false;
        polygons = station;
        draw();
      }
      tell(words().say(`${texts}.applied`), { isBrief: true });
    },
    reworded: draw,
    toggled,
  };
}
