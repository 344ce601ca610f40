// The zones: parts of the picture that have a name, or in which nothing is detected, edited over the live picture.

import { byId } from "../app/page.js";
import { make } from "./make.js";
import { makePolygonEditor } from "./polygon_editor.js";

const NAME_MAX = 40;
const DWELL_MAX_S = 86400;
const SVG = "http://www.w3.org/2000/svg";

export function makeZones({ panel, cameraNames, words, ...page }) {
  const button = (className = "") => make("button", { type: "button", className });
  const how = make("p", { className: "small", id: "zone-how" });
  const help = make("p", { className: "small" });
  const list = make("ul", { className: "polygon-list" });
  const [more, fewer, add, discard] = [button(), button(), button("wide"), button()];
  const apply = button("strong");
  const state = make("p", { className: "small" });
  const fault = make("p", { className: "fault", hidden: true });
  fault.setAttribute("role", "alert");
  const shapes = document.createElementNS(SVG, "svg");
  shapes.setAttribute("viewBox", "0 0 1000 1000");
  shapes.setAttribute("preserveAspectRatio", "none");
  shapes.setAttribute("aria-hidden", "true");
  shapes.classList.add("polygon-shapes", "zones");
  const points = make("div", { className: "polygon-points", hidden: true });
  points.setAttribute("role", "group");
  const pair = (...buttons) => make("div", { className: "pair" }, ...buttons);
  byId("zone-editor").append(help, how, list, pair(more, fewer), add, state, fault, pair(discard, apply));
  byId("mask-points").after(shapes, points);

  function dress() {
    const { say } = words();
    const texts = [[how, "masks.how"], [help, "zones.help"], [more, "masks.more"], [fewer, "masks.fewer"], [add, "zones.add"], [discard, "masks.discard"], [apply, "masks.apply"]];
    for (const [element, key] of texts) element.textContent = say(`control.${key}`);
    points.setAttribute("aria-label", say("control.zones.points"));
  }

  const editor = makePolygonEditor({
    ...page,
    words,
    key: "zones",
    texts: "control.zones",
    longestName: NAME_MAX,
    more: (zone, index, edit) => [details(zone, index, edit)],
    parts: { details: panel, shapes, points, how, list, more, fewer, add, apply, discard, count: byId("zone-count"), state, fault },
  });

  function details(zone, index, edit) {
    const { say } = words();
    const row = make("div", { className: "zone-details" });
    const labelled = (text, control) => row.append(make("label", {}, make("span", { textContent: say(`control.zones.${text}`) }), control));
    const kinds = ["named", "ignore"].map((kind) => new Option(say(`control.zones.kind.${kind}`), kind));
    const kind = make("select", {}, ...kinds);
    kind.value = zone.kind ?? "named";
    kind.addEventListener("change", () => {
      edit({ kind: kind.value });
      dwell.disabled = kind.value === "ignore";
    });
    labelled("kind", kind);
    const dwell = make("input", { type: "number", inputMode: "numeric", min: 0, max: DWELL_MAX_S, step: 1, value: zone.dwell_s ?? 0, disabled: zone.kind === "ignore" });
    dwell.addEventListener("change", () => edit({ dwell_s: seconds(dwell.value) }));
    labelled("dwell", dwell);
    const names = cameraNames();
    if (names.length > 0) {
      const camera = make("select", {}, new Option(say("control.zones.camera.all"), ""), ...names.map((name) => new Option(name, name)));
      camera.value = zone.camera ?? "";
      camera.addEventListener("change", () => edit({ camera: camera.value || null }));
      labelled("camera", camera);
    }
    return row;
  }

  dress();
  return {
    ...editor,
    reworded() {
      dress();
      editor.reworded();
    },
  };
}

function seconds(text) {
  return Math.min(Math.max(Math.round(Number(text)) || 0, 0), DWELL_MAX_S);
}
