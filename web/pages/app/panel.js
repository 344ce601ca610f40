// The statistics panel: once a second while it is open, nothing at all while it is shut.

import { between, delayOnTheWayMs, look } from "./stats.js";
import { bitrateWords, publishWords, shareWords } from "./words.js";

const EVERY_MS = 1000;
const CURVE_POINTS = 30;
const byId = (id) => document.getElementById(id);

// `player()` gives the running player or null; `latency()` a {ms, exact} or null.
export function makePanel({ player, latency, quality }) {
  const section = byId("statistics");
  let timer = 0;
  let before = null;
  let status = null;
  let curve = [];

  async function draw() {
    const peer = player()?.peer ?? null;
    const after = peer ? look(await peer.getStats()) : null;
    const numbers = between(before, after);
    before = after;
    drawNumbers(numbers, latency());
    drawStation(status);
  }

  function drawNumbers(numbers, seen) {
    const estimate = numbers && delayOnTheWayMs(numbers);
    const ms = seen?.ms ?? estimate;
    set("latency", ms === null ? null : `${seen?.exact ? "" : "about "}${Math.round(ms)} ms`);
    set("fps", numbers && `${Math.round(numbers.fps)} fps`);
    set("bitrate", numbers && bitrateWords(numbers.bitrateBps));
    set("lost", numbers && shareWords(numbers.lostShare));
    if (numbers?.height) quality.shown(numbers.height);
    set("rtt", whole(numbers?.roundTripMs));
    set("buffer", whole(numbers?.bufferMs));
    if (ms !== null && ms !== undefined) curve = [...curve, ms].slice(-CURVE_POINTS);
    byId("curve").firstElementChild.setAttribute("points", points(curve));
  }

  return {
    get open() {
      return !section.hidden;
    },
    show(yes) {
      section.hidden = !yes;
      clearInterval(timer);
      if (!yes) return;
      before = null;
      curve = [];
      draw();
      // The first numbers need two looks: take the second soon.
      setTimeout(draw, 250);
      timer = setInterval(draw, EVERY_MS);
    },
    status(next) {
      status = next;
      if (!section.hidden) drawStation(status);
    },
  };
}

function drawStation(status) {
  const detector = status?.detector;
  const running = detector?.state === "running" && typeof detector.fps === "number";
  set("detector", running ? `${Math.round(detector.fps)} fps` : (detector?.state ?? null));
  const kind = detector?.experimental ? " (experimental)" : "";
  byId("stat-detector").title = running ? `${detector.model}${kind} on ${detector.provider}` : "";
  set("viewers", typeof status?.viewers === "number" ? String(status.viewers) : null);
  const publish = publishWords(status?.publish);
  byId("line-publish").hidden = publish === null;
  set("publish", publish?.text);
  byId("stat-publish").title = publish?.title ?? "";
}

// The curve's top is twice the median, at least 50 ms, so that one spike does not flatten it.
function points(curve) {
  const sorted = [...curve].sort((a, b) => a - b);
  const top = Math.max(2 * (sorted[sorted.length >> 1] ?? 0), 50);
  const step = 120 / (CURVE_POINTS - 1);
  return curve
    .map(
      (ms, index) =>
        `${(index * step).toFixed(1)},${(31 - (Math.min(ms, top) / top) * 30).toFixed(1)}`,
    )
    .join(" ");
}

function whole(ms) {
  return typeof ms === "number" ? `${Math.round(ms)} ms` : null;
}

function set(name, text) {
  byId(`stat-${name}`).textContent = text ?? "–";
}
