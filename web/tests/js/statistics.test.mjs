// The statistics: rates, the list of renditions, the timecode, the station's clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeWords } from "../../pages/app/language.js";
import { ENGLISH } from "../../pages/app/live_words.js";
import { AUTO, endpointFor, entries, initialChoice } from "../../pages/app/quality.js";
import { ownViewer, renditionChangeWords } from "../../pages/app/rendition_change.js";
import { between, estimatedDelayMs, readCounters } from "../../pages/app/stats.js";
import { answerEvent, initialClock, pauseMs, withSample } from "../../pages/app/status.js";
import { CELLS, decodeCells, expand } from "../../pages/app/timecode.js";
import { stripBits } from "../browser/mock/scene.js";

const { say } = makeWords("en", ENGLISH, ENGLISH);

function report(overrides = {}) {
  const video = {
    type: "inbound-rtp",
    kind: "video",
    timestamp: 1000,
    bytesReceived: 0,
    packetsReceived: 0,
    packetsLost: 0,
    framesDecoded: 0,
    jitterBufferEmittedCount: 0,
    jitterBufferDelay: 0,
    totalDecodeTime: 0,
    freezeCount: 0,
    frameWidth: 1280,
    frameHeight: 720,
    ...overrides,
  };
  const pair = {
    type: "candidate-pair",
    nominated: true,
    state: "succeeded",
    bytesReceived: 9,
    currentRoundTripTime: 0.004,
  };
  const idle = { ...pair, bytesReceived: 1, currentRoundTripTime: 9 };
  return new Map([
    ["v", video],
    ["i", idle],
    ["p", pair],
    ["x", { type: "codec" }],
  ]);
}

const later = {
  timestamp: 3000,
  bytesReceived: 375000,
  packetsReceived: 297,
  packetsLost: 3,
  framesDecoded: 60,
  jitterBufferEmittedCount: 60,
  jitterBufferDelay: 0.6,
  totalDecodeTime: 0.12,
};

test("rates between two readings", () => {
  const numbers = between(readCounters(report()), readCounters(report(later)));
  assert.equal(numbers.fps, 30);
  assert.equal(numbers.bitrateBps, 1.5e6);
  assert.equal(numbers.lostShare, 0.01);
  assert.ok(Math.abs(numbers.bufferMs - 10) < 1e-9);
  assert.ok(Math.abs(numbers.decodeMs - 2) < 1e-9);
  assert.equal(numbers.roundTripMs, 4);
  assert.equal(numbers.height, 720);
  assert.ok(Math.abs(estimatedDelayMs(numbers, 16) - (2 + 10 + 2 + 8)) < 1e-9);
});

test("no rates without video, without a second reading, or across a new connection", () => {
  assert.equal(readCounters(new Map()), null);
  assert.equal(between(null, readCounters(report())), null);
  assert.equal(between(readCounters(report()), readCounters(report())), null);
  assert.equal(between(readCounters(report(later)), readCounters(report({ timestamp: 9000 }))), null);
});

test("late packets do not make the loss negative", () => {
  const before = readCounters(report({ packetsLost: 5 }));
  assert.equal(between(before, readCounters(report({ ...later, packetsLost: 2 }))).lostShare, 0);
});

test("a page finds its own entry among the viewers by the age of its session", () => {
  const session = { postedAt: 1000, answeredAt: 1100 };
  const find = (...ages) => ownViewer(ages.map((age_s) => ({ age_s })), session, 9000, 9200);
  assert.deepEqual(find(3, 8, 60), { age_s: 8 });
  assert.equal(find(3, 60), null, "no entry of that age");
  assert.equal(find(7.95, 8.1), null, "two entries of that age");
});

test("the cause of a change of rendition is told where the station gives one", () => {
  assert.equal(renditionChangeWords(say, null), null);
  assert.equal(renditionChangeWords(say, { rendition: "720p" }), null);
  for (const cause of ["queueing_delay", "loss", "no_feedback", "probe_succeeded", "chosen", "rendition_gone", "rendition_back"]) {
    assert.equal(renditionChangeWords(say, { rendition_change: cause }), ENGLISH[`live.change.${cause}`]);
  }
  assert.equal(renditionChangeWords(say, { rendition_change: "rain" }), "rain");
});

const LADDER = [
  { name: "720p", height: 720 },
  { name: "360p", height: 360 },
];

test("the address outranks the remembered choice, and anything invalid means auto", () => {
  assert.equal(initialChoice("?rendition=360p", "720p"), "360p");
  assert.equal(initialChoice("", "720p"), "720p");
  assert.equal(initialChoice("?rendition=720P", null), "720p");
  assert.equal(initialChoice("", null), AUTO);
  assert.equal(initialChoice("?rendition=<b>", "x/y"), AUTO);
});

test("a session is opened with the chosen rendition", () => {
  assert.equal(endpointFor(AUTO), "whep");
  assert.equal(endpointFor("180p"), "whep?rendition=180p");
});

test("the list shows what auto gives", () => {
  assert.deepEqual(
    entries(say, LADDER, 360).map((entry) => entry.text),
    ["Auto (360p)", "720p", "360p"],
  );
  assert.equal(entries(say, LADDER, null)[0].text, "Auto");
  assert.deepEqual(entries(say, [], 720), [{ value: AUTO, text: "Auto", disabled: false }]);
});

const NOW = Date.UTC(2026, 10, 21, 10, 15, 30, 123);
const asBrightness = (bits, black = 16, white = 235) => bits.map((bit) => (bit ? white : black));

test("the timecode that the scene paints is read back", () => {
  const cells = asBrightness(stripBits(NOW));
  assert.equal(cells.length, CELLS);
  assert.equal(expand(decodeCells(cells), NOW + 40), NOW);
});

test("an example: 0x12345678 has the nibble XOR 8", () => {
  const cells = asBrightness(stripBits(0x12345678), 40, 200);
  assert.equal(decodeCells(cells), 0x12345678);
  assert.deepEqual(stripBits(0x12345678).slice(34, 38), [1, 0, 0, 0]);
});

test("one wrong cell makes it no timecode", () => {
  const right = asBrightness(stripBits(NOW));
  for (let cell = 0; cell < CELLS; cell += 1) {
    const wrong = [...right];
    wrong[cell] = 251 - wrong[cell];
    assert.equal(decodeCells(wrong), null, `cell ${cell}`);
  }
});

test("an ordinary picture is no timecode", () => {
  assert.equal(decodeCells(new Array(CELLS).fill(128)), null);
  assert.equal(decodeCells(Array.from({ length: CELLS }, (_, cell) => cell * 6)), null);
  assert.equal(decodeCells([]), null);
});

test("the low 32 bits are extended across their wrap", () => {
  const wrap = 2 ** 32 * 400;
  assert.equal(expand(2 ** 32 - 10, wrap + 5), wrap - 10);
  assert.equal(expand(5, wrap - 10), wrap + 5);
});

test("the exchange with the shortest round trip sets the clock", () => {
  let offset = withSample(initialClock(), 1000, 1100, 6000);
  assert.equal(offset.offsetMs, 4950);
  offset = withSample(offset, 2000, 2010, 6995);
  assert.equal(offset.offsetMs, 4990);
  assert.equal(offset.errorMs, 5);
  offset = withSample(offset, 3000, 3400, 9000);
  assert.equal(offset.offsetMs, 4990);
});

test("old exchanges are dropped", () => {
  let offset = withSample(initialClock(), 0, 2, 1001);
  for (let now = 0; now < 20; now += 1) offset = withSample(offset, now, now + 10, now + 505);
  assert.equal(offset.offsetMs, 500);
});

test("the status tells of a stop and of a restart", () => {
  assert.equal(answerEvent({ uptime_s: 9 }, 7), "reached");
  assert.equal(answerEvent({ uptime_s: 1 }, 7), "restarted");
  assert.equal(answerEvent({ uptime_s: 9, stopping: true }, 7), "stopping");
});

test("viewers come back to a restarted station at different times, within 2.5 s", () => {
  assert.equal(pauseMs({ live: true, restarting: true }, 0), 500);
  assert.equal(pauseMs({ live: false, restarting: true }, 1), 2500);
  assert.equal(pauseMs({ live: false, restarting: false }, 0.5), 1000);
});
