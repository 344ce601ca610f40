import assert from "node:assert/strict";
import { test } from "node:test";
import { initial } from "../../pages/app/connection.js";
import * as words from "../../pages/app/words.js";

const state = (overrides) => ({ ...initial(), ...overrides });

test("every state of the connection has its words", () => {
  const said = (overrides) => {
    const { short, long } = words.connectionWords(state(overrides));
    return long || short;
  };
  assert.equal(said({ name: "connecting" }), "Connecting…");
  assert.equal(said({ name: "live" }), "Live");
  assert.equal(said({ name: "reconnecting", pictureAt: 1 }), "Connection lost. Trying again.");
  assert.equal(said({ name: "reconnecting" }), "The station does not answer. Trying again.");
  assert.equal(
    said({ name: "fallback" }),
    "Showing the simple stream: WebRTC is blocked here. Still trying.",
  );
  assert.equal(
    said({ name: "fallback", webrtc: false }),
    "Showing the simple stream: this browser cannot play the live one.",
  );
  assert.equal(
    said({ name: "connecting", refused: 503 }),
    "The station is full. Waiting for a place.",
  );
  assert.match(said({ name: "connecting", refused: 401 }), /the link with the token/);
  assert.match(said({ name: "reconnecting", pictureAt: 1, refused: 429 }), /from here/);
});

test("a live connection to a station without a camera does not call itself live", () => {
  const status = { source: { state: "lost" } };
  assert.equal(words.connectionWords(state({ name: "live" }), status).short, "No signal");
});

test("the station's troubles, most pressing first, with the command that helps", () => {
  const said = words.stationWords({
    source: { state: "lost", reason: "Camera unplugged. Waiting for it.", note: "No webcam found" },
    detector: {
      state: "missing",
      message: "No model installed.",
      fix: "carrier models pull yolox_nano",
    },
  });
  assert.deepEqual(
    said.map((line) => line.text),
    [
      "Camera unplugged. Waiting for it.",
      "No model installed: run `carrier models pull yolox_nano`",
      "No webcam found.",
    ],
  );
  assert.equal(said[0].tone, "bad");
});

test("all well is no words, and neither is a status that is not there", () => {
  const well = { source: { state: "live", note: null }, detector: { state: "running" } };
  assert.deepEqual(words.stationWords(well), []);
  assert.deepEqual(words.stationWords({}), []);
  assert.deepEqual(words.stationWords(null), []);
});

test("commands stand between backticks", () => {
  assert.deepEqual(words.pieces("run `a b` now"), [
    { text: "run ", code: false },
    { text: "a b", code: true },
    { text: " now", code: false },
  ]);
  assert.deepEqual(words.pieces(""), []);
});

test("numbers as people read them", () => {
  assert.equal(words.bitrateWords(1_512_000), "1.5 Mbit/s");
  assert.equal(words.bitrateWords(640_400), "640 kbit/s");
  assert.equal(words.shareWords(0), "0 %");
  assert.equal(words.shareWords(0.0004), "< 0.1 %");
  assert.equal(words.shareWords(0.0123), "1.2 %");
});

test("where the feed is sent on to, if it is", () => {
  assert.equal(words.publishWords(null), null);
  assert.equal(words.publishWords(undefined), null);
  const host = "https://a.example";
  const waiting = { state: "waiting", host, reason: "The server is busy (503).", since_s: 3 };
  assert.deepEqual(words.publishWords(waiting), {
    text: "trying again",
    title: "https://a.example: The server is busy (503).",
  });
  const live = words.publishWords({ state: "live", host, reason: null, since_s: 9 });
  assert.deepEqual(live, { text: "live", title: host });
});
