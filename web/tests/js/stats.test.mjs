import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGLISH } from "../../pages/app/live_words.js";
import { makeWords } from "../../pages/app/language.js";
import { between, estimatedDelayMs, ownViewer, readCounters, renditionChangeWords } from "../../pages/app/stats.js";

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

test("rates between two looks", () => {
  const numbers = between(readCounters(report()), readCounters(report(later)));
  assert.equal(numbers.fps, 30);
  assert.equal(numbers.bitrateBps, 1.5e6);
  assert.equal(numbers.lostShare, 0.01);
  assert.ok(Math.abs(numbers.bufferMs - 10) < 1e-9);
  assert.ok(Math.abs(numbers.decodeMs - 2) < 1e-9);
  assert.equal(numbers.roundTripMs, 4);
  assert.equal(`${numbers.width}x${numbers.height}`, "1280x720");
  assert.ok(Math.abs(estimatedDelayMs(numbers, 16) - (2 + 10 + 2 + 8)) < 1e-9);
});

test("nothing to say without video, without a second readCounters, or across a new connection", () => {
  assert.equal(readCounters(new Map()), null);
  assert.equal(between(null, readCounters(report())), null);
  assert.equal(between(readCounters(report()), readCounters(report())), null);
  assert.equal(between(readCounters(report(later)), readCounters(report({ timestamp: 9000 }))), null);
});

test("packets that turn up late never make a negative loss", () => {
  const before = readCounters(report({ packetsLost: 5 }));
  assert.equal(between(before, readCounters(report({ ...later, packetsLost: 2 }))).lostShare, 0);
});

test("a page finds its own entry among the viewers by the age of its session", () => {
  const session = { postedAt: 1000, answeredAt: 1100 };
  const find = (...ages) => ownViewer(ages.map((age_s) => ({ age_s })), session, 9000, 9200);
  assert.deepEqual(find(3, 8, 60), { age_s: 8 });
  assert.equal(find(3, 60), null, "none of that age");
  assert.equal(find(7.95, 8.1), null, "two of that age");
});

test("the cause of a change of rendition is told where the station gives one", () => {
  const { say } = makeWords("en", ENGLISH, ENGLISH);
  assert.equal(renditionChangeWords(say, null), null);
  assert.equal(renditionChangeWords(say, { rendition: "720p" }), null);
  for (const cause of ["queueing_delay", "loss", "no_feedback", "probe_succeeded", "chosen", "rendition_gone"]) {
    assert.equal(renditionChangeWords(say, { rendition_change: cause }), ENGLISH[`live.change.${cause}`]);
  }
  assert.equal(renditionChangeWords(say, { rendition_change: "rain" }), "rain");
});
