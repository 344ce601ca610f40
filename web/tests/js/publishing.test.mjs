// The camera page: the state machine, its texts and numbers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CONNECT_MS, initial, LOST_MS, RENEWED_MS, step } from "../../pages/camera/publishing.js";
import { receivedCount, sentVideo, withStartRate } from "../../pages/camera/publisher.js";
import { makeWords } from "../../pages/app/language.js";
import { cameraError, rateWords, stateWords, tokenIn } from "../../pages/camera/words.js";
import { playFrom } from "./play.mjs";

const table = (code) => JSON.parse(readFileSync(new URL(`../../pages/lang/${code}.json`, import.meta.url), "utf8"));
const en = makeWords("en", table("en"), {});
const de = makeWords("de", table("de"), {});

const play = (...events) => playFrom(initial(), step, ...events);
const refused = (status, more = {}) => ({ type: "refused", status, ...more });

test("from starting to stopping", () => {
  const { log } = play([0, "start"], [100, "camera"], [300, "connected"], [9000, "stop"]);
  assert.deepEqual(log, [
    "0 open_camera",
    "0 opening",
    "100 publish",
    "100 connecting",
    "300 live",
    "9000 leave",
    "9000 close_camera",
    "9000 idle",
  ]);
});

const LIVE = [
  [0, "start"],
  [1, "camera"],
  [2, "connected"],
];

test("a phone that changes networks keeps its session, and restarts ICE until it is connected", () => {
  const { log } = play(
    ...LIVE,
    [1000, "disconnected"],
    [1250, "tick"],
    [1900, "unreachable"],
    [2000, "tick"],
    [2100, "renewed"],
    [2250, "tick"],
    [2300, "connected"],
  );
  assert.deepEqual(log.slice(5), ["1000 renew", "1000 mending", "2000 renew", "2300 live"]);
});

test("silence of the station restarts ICE before the browser reports it", () => {
  const { log } = play(...LIVE, [2000, "received"], [4750, "tick"], [5000, "tick"], [5100, "renewed"], [5400, "received"]);
  assert.deepEqual(log.slice(5), ["5000 renew", "5000 mending", "5400 live"]);
});

test("a short disconnection is no loss", () => {
  const { state, log } = play(...LIVE, [1000, "disconnected"], [1100, "connected"], [1150, "renewed"], [4000, "tick"]);
  assert.equal(state.name, "live");
  assert.deepEqual(log.slice(5), ["1000 renew", "1000 mending", "1100 live"]);
});

test("a new session follows a failed ICE restart, or a session unknown to the station", () => {
  const nowhere = play(...LIVE, [1000, "failed"], [1100, "renewed"], [1100 + RENEWED_MS, "tick"], [3600, "tick"]);
  assert.deepEqual(nowhere.log.slice(-4), ["3100 leave", "3100 waiting", "3600 publish", "3600 connecting"]);
  const unknown = play(...LIVE, [1000, "disconnected"], [1010, "unrenewable"]);
  assert.deepEqual(unknown.log.slice(-2), ["1010 leave", "1010 waiting"]);
});

test("a station that does not answer is given up in the end", () => {
  const events = [...LIVE, [1000, "disconnected"]];
  for (let at = 1250; at <= 1000 + LOST_MS; at += 250) events.push([at, "tick"]);
  const { state, log } = play(...events, [17000, "unrenewable"]);
  assert.equal(log.filter((line) => line.endsWith("renew")).length, 15);
  assert.equal(log.at(-1), `${1000 + LOST_MS} waiting`);
  assert.match(stateWords(en.say, state).text, /Trying again/);
});

test("a new network restarts ICE at once, while media goes on", () => {
  const { state, log } = play(...LIVE, [1000, "online"], [1100, "unreachable"], [2900, "tick"]);
  assert.equal(state.name, "live");
  assert.deepEqual(log.slice(5), ["1000 renew"]);
});

test("failed attempts back off, and the next is made at once with the online event", () => {
  const fail = [0, "start"];
  const { log } = play(
    fail,
    [0, "camera"],
    [CONNECT_MS, "tick"],
    [CONNECT_MS + 500, "tick"],
    [CONNECT_MS + 600, "unreachable"],
    [CONNECT_MS + 1500, "tick"],
    [CONNECT_MS + 1501, "online"],
  );
  const published = log.filter((line) => line.endsWith("publish"));
  assert.deepEqual(published, ["0 publish", "10500 publish", "11501 publish"]);
});

test("a wrong token is forgotten, and the camera closed", () => {
  const { state, log } = play([0, "start"], [1, "camera"], [2, refused(401)], [9000, "tick"]);
  assert.deepEqual(log.slice(-4), ["2 leave", "2 close_camera", "2 forget", "2 refused"]);
  assert.equal(stateWords(en.say, state).text, "The token is not right.");
});

test("an occupied place is waited for, or taken over", () => {
  const taken = play([0, "start"], [1, "camera"], [2, refused(409)]);
  assert.equal(taken.state.name, "waiting");
  assert.match(stateWords(en.say, taken.state).text, /Waiting for the place/);
  const over = play([0, "start"], [1, "camera"], [2, refused(409)], [100, "take_over"]);
  assert.deepEqual(over.log.slice(-2), ["100 take_over", "100 connecting"]);
});

test("a full station gives its Retry-After, a browser without H.264 is refused", () => {
  const full = play([0, "start"], [1, "camera"], [2, refused(503, { retryAfterMs: 5000 })]);
  assert.equal(full.state.retryAt, 5002);
  const codec = play([0, "start"], [1, "camera"], [2, refused(422)]);
  assert.equal(codec.state.name, "refused");
  assert.match(stateWords(en.say, codec.state).text, /H\.264/);
});

test("events before the start and after a refusal do nothing", () => {
  assert.deepEqual(play([0, "tick"], [1, "online"], [2, "connected"]).log, []);
  const denied = { type: "no_camera", ...cameraError({ name: "NotAllowedError" }) };
  const { state, log } = play([0, "start"], [1, denied], [2, "camera"], [3, "failed"]);
  assert.deepEqual(log, ["0 open_camera", "0 opening", "1 leave", "1 close_camera", "1 refused"]);
  assert.match(stateWords(en.say, state).text, /Allow it/);
});

test("the token of an address", () => {
  assert.equal(tokenIn("#token=abc%20d"), "abc d");
  assert.equal(tokenIn("#token="), null);
  assert.equal(tokenIn(""), null);
});

test("the start rate is added to the H.264 format only", () => {
  const video = "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
  const sdp = `v=0\r\n${video}\r\na=fmtp:109 apt=108\r\n`;
  assert.equal(
    withStartRate(sdp),
    `v=0\r\n${video};x-google-start-bitrate=1500\r\na=fmtp:109 apt=108\r\n`,
  );
});

test("the rate and size of what is sent", () => {
  const stat = (timestamp, bytesSent) => ({
    type: "outbound-rtp",
    kind: "video",
    timestamp,
    bytesSent,
    frameWidth: 1280,
    frameHeight: 720,
    framesPerSecond: 29.6,
  });
  const first = sentVideo([{ type: "codec" }, stat(1000, 1000)], null);
  assert.equal(first.bps, null);
  assert.equal(rateWords(en, first), "1280 × 720, 30 fps");
  const second = sentVideo([stat(2000, 201000)], first);
  assert.equal(rateWords(en, second), "1280 × 720, 30 fps, 1.6 Mbit/s");
  assert.equal(sentVideo([], second), null);
});

test("every state has a text, in another language too", () => {
  const reasons = ["occupied", "unreachable", "busy", "lost", "token", "codec", "denied", "missing", "taken", "ended"];
  for (const name of ["idle", "opening", "connecting", "live", "mending", "waiting", "refused"]) {
    for (const kind of [null, ...reasons]) {
      const { text } = stateWords(de.say, { name, reason: kind && { kind } });
      assert.ok(!text.includes("sender."), `${name} ${kind}: ${text}`);
    }
  }
  const told = stateWords(de.say, { name: "waiting", reason: { kind: "busy", detail: "Full." } });
  assert.equal(told.text, "Full. Neuer Versuch läuft.");
  assert.equal(rateWords(de, { bps: 1_640_000, width: 640, height: 480, fps: 29.6 }), "640 × 480, 30 fps, 1,6 Mbit/s");
});

test("RTCP and answers to checks count as received, sent bytes do not", () => {
  const report = (bytes, responses) => [
    { type: "transport", bytesReceived: bytes, bytesSent: 5000 },
    { type: "candidate-pair", responsesReceived: responses, requestsReceived: 2 },
    { type: "outbound-rtp", bytesSent: 9000 },
  ];
  assert.equal(receivedCount(report(100, 3)), 105);
  assert.notEqual(receivedCount(report(100, 4)), receivedCount(report(100, 3)));
  assert.equal(receivedCount([]), 0);
});
