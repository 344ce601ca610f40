// The numbers of the statistics panel, drawn once a second while it is open, and the picture's latency.

import { byId, setText } from "./page.js";
import { powerParts } from "./power_words.js";
import * as stats from "./stats.js";

const EVERY_MS = 1000;
const CURVE_POINTS = 30;
// The words tell of this time: of one second, each number would flicker.
const WORDS_OF_MS = 5000;
const WORDS_AFTER_MS = 2000;

// `player()` gives the current player or null, `stationAhead()` the station's clock minus this one in ms, or null;
// `speak(text)` tells it to screen readers.
export function makePanel({ player, stationAhead, quality, words, speak }) {
  const latency = makeLatency(stationAhead);
  let timer = 0; // 0: closed
  let before = null;
  let readings = []; // counters of the last seconds, oldest first
  let announcer = null;
  let status = null;
  let curve = [];
  let change = null; // of rendition_change.js
  let network = null; // network_words.js

  async function draw() {
    const peer = player()?.peer ?? null;
    const after = peer ? stats.readCounters(await peer.getStats()) : null;
    const numbers = stats.between(before, after);
    before = after;
    drawNumbers(numbers, latency.newest());
    drawStation(words, status);
    drawWords(after);
  }

  function drawWords(after) {
    const line = byId("network-words");
    const isSimple = !byId("simple").hidden;
    line.hidden = !network || (!after && !isSimple);
    if (!network) return undefined;
    if (!after) {
      readings = [];
      if (isSimple) setText(line, words.say("live.network.simple"));
      return undefined;
    }
    // Of a new connection there is nothing to compare with.
    if (!stats.between(readings[0], after)) readings = [];
    readings.push(after);
    while (readings.length > 1 && after.atMs - readings[1].atMs >= WORDS_OF_MS) readings.shift();
    if (after.atMs - readings[0].atMs < WORDS_AFTER_MS) return setText(line, words.say("live.network.measuring"));
    const numbers = stats.between(readings[0], after);
    const facts = network.networkFacts({ numbers, viewer: change?.viewer() ?? null, status, chosen: quality.isChosen });
    setText(line, network.factWords(words, facts));
    const news = announcer.next(facts, performance.now());
    if (news) speak(network.factWords(words, news));
    return undefined;
  }

  function drawNumbers(numbers, seen) {
    const estimate = numbers && stats.estimatedDelayMs(numbers);
    const ms = seen?.ms ?? estimate;
    set("latency", ms === null ? null : stats.latencyWords(words, ms, seen?.exact));
    set("fps", numbers && words.say("live.fps", { fps: words.number(numbers.fps) }));
    set("bitrate", numbers && stats.bitrateWords(words, numbers.bitrateBps));
    set("lost", numbers && stats.shareWords(words, numbers.lostShare));
    if (numbers?.height) {
      quality.shown(numbers.height);
      change?.follow(player()?.session, numbers.height);
    }
    set("rtt", whole(words, numbers?.roundTripMs));
    set("buffer", whole(words, numbers?.bufferMs));
    if (ms !== null && ms !== undefined) curve = [...curve, ms].slice(-CURVE_POINTS);
    byId("curve").firstElementChild.setAttribute("points", points(curve));
  }

  // What only an open panel needs.
  async function fetchParts() {
    try {
      const [{ makeRenditionChange }, networkWords, { makeReader }] = await Promise.all([
        import("./rendition_change.js"),
        import("./network_words.js"),
        import("./timecode.js"),
      ]);
      latency.readWith(makeReader());
      change ??= makeRenditionChange(words);
      network ??= networkWords;
      announcer ??= network.makeAnnouncer();
    } catch {
      // Tried again with the next opening.
    }
  }

  return {
    show(yes) {
      clearInterval(timer);
      timer = 0;
      if (!yes) return;
      before = null;
      readings = [];
      announcer = network?.makeAnnouncer() ?? null;
      curve = [];
      change?.forget();
      if (!change) fetchParts();
      draw();
      // Rates need two readings.
      setTimeout(draw, 250);
      timer = setInterval(draw, EVERY_MS);
    },
    status(next) {
      status = next;
      if (timer) drawStation(words, status);
    },
    seen: latency.seen,
    // The numbers follow within a second.
    reworded() {
      if (!timer) return;
      drawStation(words, status);
      change?.draw();
    },
  };
}

function drawStation(words, status) {
  byId("line-power").hidden = !status?.power;
  if (status?.power) set("power", powerParts(words, status.power).join(" · "));
  set("detector", stats.detectorRate(words, status?.detector));
  set("viewers", typeof status?.viewers === "number" ? words.number(status.viewers) : null);
  const publish = stats.publishWords(words, status?.publish);
  byId("line-publish").hidden = publish === null;
  set("publish", publish);
}

// The curve ends at twice the median, at least at 50 ms, so that one spike does not flatten it.
function points(curve) {
  const sorted = [...curve].sort((a, b) => a - b);
  const top = Math.max(2 * (sorted[sorted.length >> 1] ?? 0), 50);
  const step = 120 / (CURVE_POINTS - 1);
  const height = (ms) => 31 - (Math.min(ms, top) / top) * 30;
  return curve.map((ms, index) => `${(index * step).toFixed(1)},${height(ms).toFixed(1)}`).join(" ");
}

function whole({ number }, ms) {
  return typeof ms === "number" ? `${number(ms)} ms` : null;
}

// `words`: a text, or {text, title}.
function set(name, words) {
  const { text, title = "" } = words?.title === undefined ? { text: words } : words;
  Object.assign(byId(`stat-${name}`), { textContent: text ?? "–", title });
}

const READ_EVERY_MS = 500;
const FRESH_MS = 2000;
const PLAUSIBLE_MS = 10000; // more is a wrong clock

// How old the picture on the screen is: from the timecode strip in it (exact, needs the station's clock), else
// from the capture time that the browser derives from RTCP sender reports.
function makeLatency(stationAhead) {
  let reader = null;
  let lastRead = 0;
  let strip = null;
  let capture = null;

  return {
    // Until then only the capture time is known.
    readWith(timecodes) {
      reader ??= timecodes;
    },
    seen(video, now, metadata) {
      // A late callback sees a later picture than the one it was called for.
      const shownAt = Math.max(metadata?.expectedDisplayTime ?? now, performance.now());
      if (metadata?.captureTime !== undefined) {
        capture = plausible(now, shownAt - metadata.captureTime, false);
      }
      const ahead = stationAhead();
      if (!reader || ahead === null || now - lastRead < READ_EVERY_MS) return;
      lastRead = now;
      const producedMs = reader(video);
      if (producedMs === null) return;
      strip = plausible(now, performance.timeOrigin + shownAt + ahead - producedMs, true);
    },
    newest(now = performance.now()) {
      return [strip, capture].find((reading) => reading && now - reading.at < FRESH_MS) ?? null;
    },
  };
}

function plausible(at, ms, exact) {
  return ms > 0 && ms < PLAUSIBLE_MS ? { at, ms, exact } : null;
}
