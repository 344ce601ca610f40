// The counts of the event: a chart of the hours of the day, and a heat map over a still of the live picture.

import { byId } from "../app/page.js";
import { ask, isGone } from "./api.js";
import { busiest, choicesOf, heatAlphas, heatMapOf, hoursOfDay, sumOf } from "./counts_view.js";
import { make } from "./make.js";
import { failureWords } from "./words.js";

const PATH = "api/counts";
const SVG = "http://www.w3.org/2000/svg";
const BAR = { width: 24, height: 100 }; // in units of the chart
const STILL_EVERY_MS = 60000;

// `tell(text)` shows a message, `answered(answer)` is told of every answer, `camera()` is the shown camera's name or null.
export function makeCounts({ words, tell, answered, camera }) {
  let counts = null;
  let chosen = { zone: null, name: null };
  let stillAt = -Infinity;
  const zones = make("select", { id: "counts-zone" });
  const classes = make("select", { id: "counts-class" });
  const chart = make("div", { className: "chart" });
  const sum = make("p");
  const map = make("div", { className: "heat" });
  const still = make("img", { alt: "" });
  const cells = make("canvas");
  cells.setAttribute("role", "img");
  const mapTitle = make("h3");
  const note = make("p", { className: "small" });
  const none = make("p", { className: "small" });
  const erase = make("button", { type: "button", className: "bad" });
  const [zoneLabel, classLabel] = [make("label", { htmlFor: zones.id }), make("label", { htmlFor: classes.id })];
  const shown = make("div", { className: "fields" }, zoneLabel, zones, classLabel, classes, sum, chart, mapTitle, map);
  map.append(still, cells);
  byId("counts-body").append(none, shown, note, erase);

  zones.addEventListener("change", () => choose({ zone: zones.value || null }));
  classes.addEventListener("change", () => choose({ name: classes.value }));
  still.addEventListener("error", () => (still.hidden = true));
  still.addEventListener("load", () => (still.hidden = false));

  function choose(part) {
    chosen = { ...chosen, ...part };
    draw();
  }

  function options(select, values, value, textOf) {
    const texts = values.map(textOf);
    const isSame = select.options.length === texts.length && texts.every((text, at) => select.options[at].text === text);
    if (!isSame) select.replaceChildren(...values.map((one, at) => new Option(texts[at], one ?? "")));
    select.value = value ?? "";
  }

  function draw() {
    const { say } = words();
    const choices = choicesOf(counts);
    if (!choices.zones.includes(chosen.zone)) chosen.zone = null;
    if (!choices.classes.includes(chosen.name)) chosen.name = choices.classes[0] ?? null;
    const isEmpty = chosen.name === null;
    shown.hidden = isEmpty;
    none.hidden = !isEmpty;
    none.textContent = say("control.counts.none");
    zoneLabel.textContent = say("control.counts.zone");
    classLabel.textContent = say("control.counts.class");
    note.textContent = counts.kept ? say("control.counts.help", { count: counts.keep_hours }) : say("control.counts.memory");
    erase.textContent = say(erase.dataset.sure ? "control.counts.sure" : "control.counts.erase");
    if (isEmpty) return;
    options(zones, choices.zones, chosen.zone, (zone) => zone ?? say("control.counts.picture"));
    options(classes, choices.classes, chosen.name, (name) => name);
    const { entered, most } = sumOf(counts, chosen.zone, chosen.name);
    sum.textContent = say("control.counts.sum", { count: entered, most: words().number(most) });
    drawChart(hoursOfDay(counts, chosen.zone, chosen.name));
    drawMap();
  }

  function drawChart(hours) {
    const { say, number } = words();
    const most = Math.max(1, ...hours.map(({ entered }) => entered));
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${hours.length * BAR.width} ${BAR.height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    const texts = hours.map(({ entered }, hour) => say("control.counts.bar", { hour, count: number(entered) }));
    svg.setAttribute("aria-label", `${say("control.counts.hours")}: ${texts.filter((_, hour) => hours[hour].entered > 0).join(", ")}`);
    hours.forEach(({ entered }, hour) => {
      const bar = document.createElementNS(SVG, "rect");
      const height = entered > 0 ? Math.max((entered / most) * BAR.height, 2) : 0;
      const box = { x: hour * BAR.width + 2, y: BAR.height - height, width: BAR.width - 4, height };
      for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value);
      const title = document.createElementNS(SVG, "title");
      title.textContent = texts[hour];
      bar.append(title);
      svg.append(bar);
    });
    const scale = make("div", { className: "scale" }, ...[0, 6, 12, 18, 24].map((hour) => make("span", { textContent: hour })));
    scale.setAttribute("aria-hidden", "true");
    const top = make("p", { className: "small", textContent: say("control.counts.top", { count: number(most) }) });
    chart.replaceChildren(top, svg, scale);
  }

  function drawMap() {
    const { say } = words();
    const heat = heatMapOf(counts, camera(), chosen.name);
    map.hidden = mapTitle.hidden = !heat;
    if (!heat) return;
    mapTitle.textContent = say("control.counts.heat");
    const { columns, rows } = counts.heat;
    cells.width = columns;
    cells.height = rows;
    const pixels = new ImageData(columns, rows);
    heatAlphas(heat.seconds).forEach((alpha, at) => pixels.data.set([255, 122, 26, Math.round(alpha * 220)], at * 4));
    cells.getContext("2d").putImageData(pixels, 0, 0);
    const [x, y] = busiest(counts.heat, heat.seconds) ?? [0, 0];
    cells.setAttribute("aria-label", say("control.counts.busiest", { x, y }));
    if (performance.now() - stillAt < STILL_EVERY_MS) return;
    stillAt = performance.now();
    still.src = `snapshot.jpg?at=${Math.round(stillAt)}`;
  }

  // The second press is the confirmation.
  erase.addEventListener("click", async () => {
    if (!erase.dataset.sure) {
      erase.dataset.sure = "yes";
      erase.textContent = words().say("control.counts.sure");
      return;
    }
    calm();
    const answer = await ask("DELETE", PATH);
    answered(answer);
    if (isGone(answer) || answer.status >= 400) return tell(failureWords(words(), answer));
    counts = { ...counts, hours: [], heat: { ...counts.heat, maps: [] } };
    draw();
    tell(words().say("control.counts.erased"), { isBrief: true });
  });
  erase.addEventListener("blur", calm);

  function calm() {
    delete erase.dataset.sure;
    erase.textContent = words().say("control.counts.erase");
  }

  return {
    show(next) {
      counts = next;
      draw();
    },
  };
}
