// The connection's state machine on a virtual clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as connection from "../../pages/app/connection.js";

// Plays events [ms, type or event] and gives every state change and action as text.
function play(...events) {
  let state = connection.initial();
  const log = [];
  for (const [now, what] of events) {
    const event = typeof what === "string" ? { type: what } : what;
    const before = state.name;
    const next = connection.step(state, event, now);
    state = next.state;
    next.actions.forEach((action) => log.push(`${now} ${action}`));
    if (state.name !== before) log.push(`${now} ${state.name}`);
  }
  return { state, log };
}

// Ticks every 250 ms from `from` to `to`, both included.
function ticks(from, to) {
  const events = [];
  for (let now = from; now <= to; now += 250) events.push([now, "tick"]);
  return events;
}

function pictures(from, to) {
  const events = [];
  for (let now = from; now <= to; now += 33) events.push([now, "picture"]);
  return events;
}

test("asks at once and is live with the first picture", () => {
  const { log } = play([0, "start"], [20, "answered"], [90, "picture"], ...ticks(250, 1000));
  assert.deepEqual(log, ["0 open", "90 live", "1000 probe"]);
});

test("pictures that keep coming keep it live, whatever ICE says in between", () => {
  const { log } = play([0, "start"], ...pictures(90, 3000), [3010, "disconnected"], [3250, "tick"]);
  assert.deepEqual(log, ["0 open", "90 live"]);
});

test("no picture for 2.5 s: asks after the station, then connects again", () => {
  const { log } = play([0, "start"], [100, "picture"], ...ticks(250, 2750));
  assert.deepEqual(log, ["0 open", "100 live", "1000 probe", "2750 open", "2750 reconnecting"]);
});

test("a station that restarted is asked for a new connection without waiting for the stall", () => {
  const { log } = play([0, "start"], [100, "picture"], [1000, "tick"], [1010, "restarted"]);
  assert.deepEqual(log, ["0 open", "100 live", "1000 probe", "1010 open", "1010 reconnecting"]);
});

test("a station that is away is tried at growing distances, and at once when it is back", () => {
  const { log, state } = play(
    [0, "start"],
    [100, "picture"],
    [1000, "unreachable"],
    [1500, "tick"],
    [1510, "unreachable"],
    [2250, "tick"],
    [2510, "tick"],
    [2520, "unreachable"],
    [3000, "reached"],
    [3100, "picture"],
  );
  assert.deepEqual(log, [
    "0 open",
    "100 live",
    "1000 close",
    "1000 reconnecting",
    "1500 open",
    "1510 close",
    "2510 open",
    "2520 close",
    "3000 open",
    "3100 live",
  ]);
  assert.equal(state.failures, 0);
});

test("one lost status answer does not disturb a picture that flows", () => {
  const { log } = play([0, "start"], [100, "picture"], [200, "unreachable"], [220, "picture"]);
  assert.deepEqual(log, ["0 open", "100 live"]);
});

test("answered but no picture in 5 s: the simple stream, and WebRTC is still tried", () => {
  const { log, state } = play([0, "start"], [50, "answered"], ...ticks(250, 6000));
  assert.deepEqual(log, ["0 open", "5000 close", "5000 fallback", "5500 open"]);
  assert.equal(state.name, "fallback");
});

test("a WebRTC picture ends the simple stream", () => {
  const { state } = play([0, "start"], [50, "answered"], ...ticks(250, 6000), [6100, "picture"]);
  assert.equal(state.name, "live");
});

test("the simple stream is not offered while the station cannot be reached", () => {
  const { log } = play([0, "start"], [10, "unreachable"], ...ticks(250, 9000));
  assert.ok(log.includes("10 reconnecting"));
  assert.ok(!log.some((line) => line.endsWith("fallback")));
});

test("a station that went away takes the simple stream with it, and gives it back", () => {
  const { log } = play(
    [0, "start"],
    [50, "answered"],
    ...ticks(250, 5000),
    [5100, "unreachable"],
    [9000, "reached"],
    [9010, "answered"],
    ...ticks(9250, 14250),
  );
  assert.deepEqual(
    log.filter((line) => /fallback|reconnecting/.test(line)),
    ["5000 fallback", "5100 reconnecting", "14000 fallback"],
  );
});

test("a refusal waits as long as it was asked to", () => {
  const refused = { type: "refused", status: 503, retryAfterMs: 4000 };
  const { log, state } = play([0, "start"], [10, refused], ...ticks(250, 4250));
  assert.deepEqual(log, ["0 open", "10 close", "4250 open"]);
  assert.equal(state.refused, 503);
});

test("whoever is not let in is not shown the simple stream: it would be refused as well", () => {
  const refused = { type: "refused", status: 429, retryAfterMs: 20000 };
  const { log, state } = play([0, "start"], [10, refused], [400, "reached"], ...ticks(500, 9000));
  assert.deepEqual(log, ["0 open", "10 close"]);
  assert.equal(state.name, "connecting");
  const later = connection.step(state, { type: "answered" }, 20100).state;
  assert.equal(later.refused, null);
});

test("a browser without WebRTC gets the simple stream at once, and no attempts", () => {
  const { log } = play([0, "start"], [1, "unsupported"], ...ticks(250, 9000), [9100, "online"]);
  assert.deepEqual(log, ["0 open", "1 close", "1 fallback"]);
});

test("a hidden page leaves after 30 s and is back as soon as somebody looks", () => {
  const { log } = play(
    [0, "start"],
    [100, "picture"],
    [200, "hidden"],
    ...ticks(250, 30500),
    [30600, "reached"],
    [40000, "visible"],
    [40100, "picture"],
  );
  assert.deepEqual(log, [
    "0 open",
    "100 live",
    "30250 close",
    "30250 asleep",
    "40000 open",
    "40000 reconnecting",
    "40100 live",
  ]);
});

test("a short look elsewhere costs nothing", () => {
  const events = [[0, "start"], [100, "picture"], [200, "hidden"], ...ticks(250, 9000)];
  const { log } = play(...events, [9010, "visible"], [9100, "picture"], [9250, "tick"]);
  assert.deepEqual(log, ["0 open", "100 live"]);
});

test("a page out of the back/forward cache connects again", () => {
  const { log } = play([0, "start"], [100, "picture"], [9000, "restored"]);
  assert.deepEqual(log, ["0 open", "100 live", "9000 open", "9000 reconnecting"]);
});

test("a broken simple stream asks whether the station is there", () => {
  const { log } = play([0, "start"], [1, "answered"], ...ticks(250, 5000), [5050, "simple_failed"]);
  assert.deepEqual(log.slice(-2), ["5050 probe", "5050 reconnecting"]);
});

test("an unknown event changes nothing", () => {
  const state = connection.initial();
  assert.deepEqual(connection.step(state, { type: "rain" }, 5), { state, actions: [] });
});
