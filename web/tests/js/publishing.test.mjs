// The camera page's states, words and numbers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenIn } from "../../pages/camera/key.js";
import { CONNECT_MS, initial, LOST_MS, step } from "../../pages/camera/publishing.js";
import { sent } from "../../pages/camera/rate.js";
import { withStartRate } from "../../pages/camera/start_rate.js";
import { cameraTrouble, rateWords, stateWords } from "../../pages/camera/words.js";

// Plays [ms, type or event]; the log has what was done and where it led.
function play(...events) {
  let state = initial();
  const log = [];
  for (const [ms, what] of events) {
    const event = typeof what === "string" ? { type: what } : what;
    const next = step(state, event, ms);
    for (const action of next.actions) log.push(`${ms} ${action}`);
    if (next.state.name !== state.name) log.push(`${ms} ${next.state.name}`);
    state = next.state;
  }
  return { state, log };
}

const refused = (status, more = {}) => ({ type: "answer", status, ...more });

test("from the button to the picture and back", () => {
  const { log } = play([0, "start"], [100, "camera"], [300, "connected"], [9000, "stop"]);
  assert.deepEqual(log, [
    "0 look",
    "0 opening",
    "100 publish",
    "100 connecting",
    "300 live",
    "9000 leave",
    "9000 dark",
    "9000 idle",
  ]);
});

test("a connection that is gone for two seconds is made anew, a hiccup is not", () => {
  const live = [
    [0, "start"],
    [1, "camera"],
    [2, "connected"],
  ];
  const hiccup = play(...live, [1000, "disconnected"], [1500, "connected"], [9000, "tick"]);
  assert.equal(hiccup.state.name, "live");
  const gone = play(...live, [1000, "disconnected"], [1000 + LOST_MS, "tick"], [3500, "tick"]);
  assert.deepEqual(gone.log.slice(-4), ["3000 leave", "3000 waiting", "3500 publish", "3500 connecting"]);
});

test("attempts that fail come further and further apart, and at once when the network is back", () => {
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

test("a wrong token ends it, the camera goes dark and the token is forgotten", () => {
  const { state, log } = play([0, "start"], [1, "camera"], [2, refused(401)], [9000, "tick"]);
  assert.deepEqual(log.slice(-4), ["2 leave", "2 dark", "2 forget", "2 refused"]);
  assert.equal(stateWords(state).text, "The token is not right.");
});

test("a place that is taken is waited for, or taken over", () => {
  const taken = play([0, "start"], [1, "camera"], [2, refused(409)]);
  assert.equal(taken.state.name, "waiting");
  assert.match(stateWords(taken.state).text, /Waiting for the place/);
  const over = play([0, "start"], [1, "camera"], [2, refused(409)], [100, "take_over"]);
  assert.deepEqual(over.log.slice(-2), ["100 take_over", "100 connecting"]);
});

test("a station that is full names its time, a browser without H.264 is told at once", () => {
  const full = play([0, "start"], [1, "camera"], [2, refused(503, { retryAfterMs: 5000 })]);
  assert.equal(full.state.retryAt, 5002);
  const codec = play([0, "start"], [1, "camera"], [2, refused(422)]);
  assert.equal(codec.state.name, "refused");
  assert.match(stateWords(codec.state).text, /H\.264/);
});

test("nothing happens before the button and after a refusal", () => {
  assert.deepEqual(play([0, "tick"], [1, "online"], [2, "connected"]).log, []);
  const denied = { type: "no_camera", ...cameraTrouble({ name: "NotAllowedError" }) };
  const { state, log } = play([0, "start"], [1, denied], [2, "camera"], [3, "failed"]);
  assert.deepEqual(log, ["0 look", "0 opening", "1 leave", "1 dark", "1 refused"]);
  assert.match(stateWords(state).text, /Allow it/);
});

test("the token in an address", () => {
  assert.equal(tokenIn("#token=abc%20d"), "abc d");
  assert.equal(tokenIn("#token="), null);
  assert.equal(tokenIn(""), null);
});

test("the start rate goes to the video's format and nowhere else", () => {
  const video = "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
  const sdp = `v=0\r\n${video}\r\na=fmtp:109 apt=108\r\n`;
  assert.equal(
    withStartRate(sdp),
    `v=0\r\n${video};x-google-start-bitrate=1500\r\na=fmtp:109 apt=108\r\n`,
  );
});

test("what is sent, in plain words", () => {
  const stat = (timestamp, bytesSent) => ({
    type: "outbound-rtp",
    kind: "video",
    timestamp,
    bytesSent,
    frameWidth: 1280,
    frameHeight: 720,
    framesPerSecond: 29.6,
  });
  const first = sent([{ type: "codec" }, stat(1000, 1000)], null);
  assert.equal(first.bps, null);
  assert.equal(rateWords(first), "1280 × 720, 30 fps");
  const second = sent([stat(2000, 201000)], first);
  assert.equal(rateWords(second), "1280 × 720, 30 fps, 1.6 Mbit/s");
  assert.equal(sent([], second), null);
});
