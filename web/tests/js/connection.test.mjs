// The connection's state machine on a virtual clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as connection from "../../pages/app/connection.js";
import { playFrom } from "./play.mjs";

const play = (...events) => playFrom(connection.initial(), connection.step, ...events);

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

test("connects at once and is live with the first picture", () => {
  const { log } = play([0, "start"], [20, "answered"], [90, "picture"], ...ticks(250, 1000));
  assert.deepEqual(log, ["0 open", "90 live", "1000 probe", "1000 renew"]);
});

test("arriving pictures keep it live although ICE is disconnected", () => {
  const { log } = play([0, "start"], ...pictures(90, 3000), [3010, "disconnected"], [3250, "tick"]);
  assert.deepEqual(log, ["0 open", "90 live"]);
});

test("without a picture ICE is restarted, and the viewer is told after 2.5 s", () => {
  const { log, state } = play([0, "start"], [100, "picture"], ...ticks(250, 3000));
  assert.deepEqual(log, [
    "0 open",
    "100 live",
    "1000 probe",
    "1000 renew",
    "2000 renew",
    "2750 reconnecting",
    "3000 renew",
  ]);
  assert.equal(state.session, true);
});

test("a quick ICE restart does not show", () => {
  const { log } = play(
    [0, "start"],
    [100, "picture"],
    [1000, "tick"],
    [1030, "renewed"],
    [1090, "picture"],
    [1250, "tick"],
    ...pictures(1260, 3000),
    [3000, "tick"],
  );
  assert.deepEqual(log, ["0 open", "100 live", "1000 probe", "1000 renew"]);
});

test("an ICE restart without a picture is followed by a new session", () => {
  const { log } = play([0, "start"], [100, "picture"], [1000, "tick"], [1050, "renewed"], ...ticks(1250, 4250));
  assert.deepEqual(log.slice(2), ["1000 probe", "1000 renew", "2750 reconnecting", "4250 open"]);
});

test("a session unknown to the station is replaced at once", () => {
  const { log } = play([0, "start"], [100, "picture"], [1000, "tick"], [1010, "unrenewable"]);
  assert.deepEqual(log.slice(-2), ["1010 open", "1010 reconnecting"]);
});

test("a session survives a network outage", () => {
  const { log } = play(
    [0, "start"],
    [100, "picture"],
    [1000, "tick"],
    [1010, "unreachable"],
    ...ticks(1250, 9000),
    [9100, "reached"],
    [9150, "renewed"],
    [9200, "picture"],
  );
  assert.ok(log.includes("9100 renew"));
  assert.deepEqual(log.at(-1), "9200 live");
  assert.equal(log.filter((line) => line.endsWith("open")).length, 1);
});

test("a session survives three seconds without media, of which HTTP sees nothing", () => {
  const { log } = play([0, "start"], [100, "picture"], [1000, "tick"], [1050, "renewed"], ...ticks(1250, 3000), [3200, "picture"]);
  assert.equal(log.filter((line) => line.endsWith("open")).length, 1);
  assert.deepEqual(log.at(-1), "3200 live");
});

test("the session is kept until the station does not know it any more, even when ICE fails", () => {
  const { log, state } = play(
    [0, "start"],
    [100, "picture"],
    ...ticks(250, 20000),
    [20100, "failed"],
    ...ticks(20250, 90000),
    [90010, "unrenewable"],
  );
  assert.ok(!log.some((line) => line.endsWith("close")));
  assert.deepEqual(log.at(-1), "90010 open");
  assert.equal(state.session, false);
});

test("the online event restarts ICE even while pictures arrive", () => {
  const { log } = play([0, "start"], [100, "picture"], [200, "online"], [230, "renewed"], [240, "picture"]);
  assert.deepEqual(log, ["0 open", "100 live", "200 renew"]);
});

test("a restarted station gets a new session at once", () => {
  const { log } = play([0, "start"], [100, "picture"], [1000, "tick"], [1010, "restarted"]);
  const expected = ["0 open", "100 live", "1000 probe", "1000 renew", "1010 open"];
  assert.deepEqual(log, [...expected, "1010 reconnecting"]);
});

test("while the station restarts nothing is tried, and once it answers the picture comes back", () => {
  const { log, state } = play(
    [0, "start"],
    [100, "picture"],
    [1000, "ended"],
    [1010, "stopping"],
    ...ticks(1250, 4000),
    [4010, "unreachable"],
    [4020, "stopping"],
    [5000, "reached"],
    [5100, "picture"],
  );
  const live = ["0 open", "100 live", "1000 probe"];
  assert.deepEqual(log, [...live, "1010 close", "1010 reconnecting", "5000 open", "5100 live"]);
  assert.equal(state.restartingSince, null);
});

test("a station that has restarted already gets one new session", () => {
  const { log } = play([0, "start"], [100, "picture"], [1010, "stopping"], [3000, "restarted"]);
  assert.deepEqual(log.slice(2), ["1010 close", "1010 reconnecting", "3000 open"]);
});

test("a restart that takes a minute is a lost connection", () => {
  const restarting = [[0, "start"], [100, "picture"], [200, "stopping"]];
  assert.equal(play(...restarting, [59000, "unreachable"]).state.restartingSince, 200);
  assert.equal(play(...restarting, [60200, "unreachable"]).state.restartingSince, null);
});

test("an unreachable station is retried with back-off, and at once when it answers again", () => {
  const { log, state } = play(
    [0, "start"],
    [10, "unreachable"],
    [500, "tick"],
    [510, "tick"],
    [520, "unreachable"],
    [1250, "tick"],
    [1520, "tick"],
    [1530, "unreachable"],
    [2000, "reached"],
    [2100, "picture"],
  );
  assert.deepEqual(log, [
    "0 open",
    "10 close",
    "10 reconnecting",
    "510 open",
    "520 close",
    "1520 open",
    "1530 close",
    "2000 open",
    "2100 live",
  ]);
  assert.equal(state.failures, 0);
});

test("one lost status request does not interrupt a live picture", () => {
  const { log } = play([0, "start"], [100, "picture"], [200, "unreachable"], [220, "picture"]);
  assert.deepEqual(log, ["0 open", "100 live"]);
});

test("5 s without a picture: the simple stream, while WebRTC is still tried", () => {
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

test("the simple stream ends with an unreachable station, and comes back with it", () => {
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

test("a refusal waits for its Retry-After", () => {
  const refused = { type: "refused", status: 503, retryAfterMs: 4000 };
  const { log, state } = play([0, "start"], [10, refused], ...ticks(250, 4250));
  assert.deepEqual(log, ["0 open", "10 close", "4250 open"]);
  assert.equal(state.refused, 503);
});

test("a refused viewer does not get the simple stream, which would be refused too", () => {
  const refused = { type: "refused", status: 429, retryAfterMs: 20000 };
  const { log, state } = play([0, "start"], [10, refused], [400, "reached"], ...ticks(500, 9000));
  assert.deepEqual(log, ["0 open", "10 close"]);
  assert.equal(state.name, "connecting");
  const later = connection.step(state, { type: "answered" }, 20100).state;
  assert.equal(later.refused, null);
});

test("a browser without WebRTC gets the simple stream at once", () => {
  const { log } = play([0, "start"], [1, "unsupported"], ...ticks(250, 9000), [9100, "online"]);
  assert.deepEqual(log, ["0 open", "1 close", "1 fallback"]);
});

test("a page hidden for 30 s disconnects, and connects again when it is visible", () => {
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

test("a page hidden for a short time stays connected", () => {
  const events = [[0, "start"], [100, "picture"], [200, "hidden"], ...ticks(250, 9000)];
  const { log } = play(...events, [9010, "visible"], [9100, "picture"], [9250, "tick"]);
  assert.deepEqual(log, ["0 open", "100 live"]);
});

test("a page that is visible again without pictures restarts ICE soon", () => {
  const events = [[0, "start"], [100, "picture"], [200, "hidden"], ...ticks(250, 9000)];
  const { log } = play(...events, [9010, "visible"], [9250, "tick"], [9500, "tick"]);
  assert.deepEqual(log.slice(2), ["9500 probe", "9500 renew"]);
});

test("a page from the back/forward cache connects again", () => {
  const { log } = play([0, "start"], [100, "picture"], [9000, "restored"]);
  assert.deepEqual(log, ["0 open", "100 live", "9000 open", "9000 reconnecting"]);
});

test("a failed simple stream asks for the station's status", () => {
  const { log } = play([0, "start"], [1, "answered"], ...ticks(250, 5000), [5050, "simple_failed"]);
  assert.deepEqual(log.slice(-2), ["5050 probe", "5050 reconnecting"]);
});

test("an unknown event changes nothing", () => {
  const state = connection.initial();
  assert.deepEqual(connection.step(state, { type: "rain" }, 5), { state, actions: [] });
});

test("packets without a picture delay the ICE restart", () => {
  const packets = ticks(250, 5500).flatMap(([now]) => [[now, "packets"], [now, "tick"]]);
  const { log } = play([0, "start"], [100, "picture"], ...packets);
  assert.deepEqual(log.slice(0, 4), ["0 open", "100 live", "4250 probe", "4250 renew"]);
  const recovers = play([0, "start"], [100, "picture"], ...packets.slice(0, 16), [2100, "picture"], [2250, "tick"]);
  assert.deepEqual(recovers.log, ["0 open", "100 live"]);
});
