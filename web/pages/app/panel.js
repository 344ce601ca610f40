// What stands in the statistics: once a second while they are open, nothing at all while they are shut.

import { bitrateWords, detectorRate, latencyWords, publishWords, shareWords } from "./figures.js";
import { makeLatency } from "./latency.js";
import { between, delayOnTheWayMs, look } from "./stats.js";

const EVERY_MS = 1000;
const CURVE_POINTS = 30;
const byId = (id) => document.getElementById(id);

// `player()` gives the running player or null, `stationAhead()` what latency.js needs.
export function makePanel({ player, stationAhead, quality, words }) {
  const latency = makeLatency(stationAhead);
  let open = false;
  let timer = 0;
  let before = null;
  let status = null;
  let curve = [];

  async function draw() {
    const peer = player()?.peer ?? null;
    const after = peer ? look(await peer.getStats()) : null;
    const numbers = between(before, after);
    before = after;
    drawNumbers(numbers, latency.newest());
    drawStation(words, status);
  }

  function drawNumbers(numbers, seen) {
    const estimate = numbers && delayOnTheWayMs(numbers);
    const ms = seen?.ms ?? estimate;
    set("latency", ms === null ? null : latencyWords(words, ms, seen?.exact));
    set("fps", numbers && words.say("live.fps", { fps: words.number(numbers.fps) }));
    set("bitrate", numbers && bitrateWords(words, numbers.bitrateBps));
    set("lost", numbers && shareWords(words, numbers.lostShare));
    if (numbers?.height) quality.shown(numbers.height);
    set("rtt", whole(words, numbers?.roundTripMs));
    set("buffer", whole(words, numbers?.bufferMs));
    if (ms !== null && ms !== undefined) curve = [...curve, ms].slice(-CURVE_POINTS);
    byId("curve").firstElementChild.setAttribute("points", points(curve));
  }

  return {
    show(yes) {
      open = yes;
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
      if (open) drawStation(words, status);
    },
    seen: latency.seen,
    // The numbers follow with the next look.
    reworded() {
      if (open) drawStation(words, status);
    },
  };
}

function drawStation(words, status) {
  const detector = detectorRate(words, status?.detector);
  set("detector", detector.text);
  byId("stat-detector").title = detector.title;
  set("viewers", typeof status?.viewers === "number" ? words.number(status.viewers) : null);
  const publish = publishWords(words.say, status?.publish);
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

function whole({ number }, ms) {
  return typeof ms === "number" ? `${number(ms)} ms` : null;
}

function set(name, text) {
  byId(`stat-${name}`).textContent = text ?? "–";
}
