// Downloads and images over bad networks, back-off, and the page that asks whether somebody is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { doubled, waitMs } from "../../pages/app/backoff.js";
import { keepTrying } from "../../pages/app/images.js";
import { ALONE_MS, ANSWER_MS, initial as alone, secondsLeft, step as presence } from "../../pages/booth/presence.js";
import { initial, rangeOf, SILENT_MS, step, wanted } from "../../pages/booth/download.js";
import { playFrom } from "./play.mjs";

const play = (...events) => playFrom(initial(), step, ...events);
const head = (status, more = {}) => ({ type: "head", status, tag: null, range: null, length: null, ...more });
const whole = head(200, { tag: '"a"', length: 100 });
const bytes = (count) => ({ type: "bytes", count });

test("a picture in one piece", () => {
  const { state, log } = play([0, "start"], [10, whole], [20, bytes(60)], [30, bytes(40)], [31, "end"]);
  assert.equal(state.over, "there");
  assert.deepEqual(log, ["0 request", "31 cut"]);
});

test("after a cut only the rest is requested, if the picture is the same", () => {
  const cut = play([0, "start"], [10, whole], [20, bytes(60)], [30, "failed"]);
  assert.deepEqual([cut.state.retryAt, cut.state.received], [530, 60]);
  assert.deepEqual(wanted(cut.state), { Range: "bytes=60-", "If-Range": '"a"' });
  const rest = head(206, { range: { from: 60, total: 100 } });
  const done = play([0, "start"], [10, whole], [20, bytes(60)], [30, "failed"], [530, "tick"], [540, rest], [550, bytes(40)], [551, "end"]);
  assert.deepEqual([done.state.over, done.log.includes("540 discard")], ["there", false]);
});

test("a body that ends early is not complete", () => {
  const { state } = play([0, "start"], [10, whole], [20, bytes(99)], [30, "end"]);
  assert.deepEqual([state.over, state.retryAt], [null, 530]);
});

test("a full answer or another range discards what was received", () => {
  const before = [[0, "start"], [10, whole], [20, bytes(60)], [30, "failed"], [530, "tick"]];
  const anew = play(...before, [540, head(200, { tag: '"b"', length: 80 })]);
  assert.deepEqual([anew.state.received, anew.state.total, anew.log.at(-1)], [0, 80, "540 discard"]);
  for (const answer of [
    head(206, { range: { from: 50, total: 100 } }),
    head(206, { range: { from: 60, total: 90 } }),
    head(206),
    head(416),
  ]) {
    const { state, log } = play(...before, [540, answer]);
    assert.deepEqual([state.received, log.includes("540 discard"), state.over], [0, true, null]);
    assert.deepEqual(wanted(state), {});
  }
});

test("silence ends a request, slowness does not", () => {
  let { state } = play([0, "start"], [10, whole]);
  let now = 10;
  for (let sent = 0; sent < 99; sent += 1) {
    now += SILENT_MS - 1;
    assert.deepEqual(step(state, { type: "tick" }, now).actions, [], `${sent}`);
    state = step(state, bytes(1), now).state;
  }
  assert.ok(now > 900_000 && state.received === 99);
  const silent = step(state, { type: "tick" }, now + SILENT_MS);
  assert.deepEqual([silent.actions, silent.state.received], [["cut"], 99]);
});

test("failures without progress back off; progress resets the back-off", () => {
  let { state } = play([0, "start"]);
  const waits = [];
  let now = 0;
  for (let count = 0; count < 6; count += 1) {
    state = step(state, { type: "failed" }, now).state;
    waits.push(state.retryAt - now);
    now = state.retryAt;
    state = step(state, { type: "tick" }, now).state;
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 5000, 5000]);
  state = step(step(state, whole, now).state, bytes(10), now).state;
  assert.equal(step(state, { type: "failed" }, now).state.retryAt - now, 500);
  // A server without ranges that always cuts at the same place makes no progress.
  for (const wait of [500, 1000, 2000]) {
    state = step(state, { type: "failed" }, now).state;
    assert.equal(state.retryAt - now, wait);
    now = state.retryAt;
    state = step(state, { type: "tick" }, now).state;
    state = step(step(state, whole, now).state, bytes(10), now).state;
  }
  const busy = step(state, head(503, { retryAfterMs: 20_000 }), now).state;
  assert.equal(busy.retryAt - now, 20_000);
  assert.deepEqual(step(busy, { type: "online" }, now + 1).actions, ["request"]);
});

test("404 and 410 mean gone, 401 and 403 refused", () => {
  for (const [status, how] of [[404, "gone"], [410, "gone"], [401, "refused"], [403, "refused"]]) {
    const { state } = play([0, "start"], [10, head(status)], [20, "failed"], [9999, "tick"]);
    assert.equal(state.over, how);
  }
});

test("Content-Range is parsed as in RFC 9110", () => {
  assert.deepEqual(rangeOf("bytes 60-99/100"), { from: 60, total: 100 });
  for (const text of [null, "", "bytes */100", "bytes 60-99/*", "items 1-2/3"]) assert.equal(rangeOf(text), null);
});

test("an image that failed is requested again with back-off", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  const listeners = {};
  // The parts of an <img> that are used.
  const one = {
    current: "/a.jpg",
    addEventListener: (name, action) => (listeners[name] = action),
    getAttribute: () => one.current,
    set src(address) {
      asked.push(address);
      one.current = address;
    },
  };
  const fire = (name) => listeners[name]();
  keepTrying(one);
  const waits = [];
  for (let failures = 1; failures <= 4; failures += 1) {
    fire("error");
    const before = asked.length;
    let waited = 0;
    while (asked.length === before) context.mock.timers.tick(100), (waited += 100);
    waits.push(waited);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
  assert.deepEqual(asked, Array(4).fill("/a.jpg"));
  fire("load");
  fire("error");
  context.mock.timers.tick(500);
  assert.equal(asked.length, 5, "a success resets the back-off");
  fire("error");
  one.current = "/b.jpg";
  context.mock.timers.tick(60_000);
  assert.equal(asked.length, 5, "another address has its own attempts");
  one.current = "blob:x";
  fire("error");
  context.mock.timers.tick(60_000);
  assert.equal(asked.length, 5, "blob addresses are not retried");
  assert.equal(doubled(30, 60_000), 60_000);
});

test("a page without input asks, and starts over without an answer", () => {
  let state = presence(alone, { type: "screen", name: "done" }, 0).state;
  state = presence(state, { type: "touched" }, 1000).state;
  state = presence(state, { type: "tick" }, ALONE_MS + 999).state;
  assert.equal(state.askedAt, null);
  state = presence(state, { type: "tick" }, ALONE_MS + 1000).state;
  const asked = ALONE_MS + 1000;
  assert.equal(secondsLeft(state, asked + 1), 30);
  // Input does not answer the question.
  state = presence(state, { type: "touched" }, asked + 5).state;
  assert.equal(state.askedAt, asked);
  assert.equal(presence(state, { type: "stay" }, asked + 9).state.askedAt, null);
  assert.ok(!presence(state, { type: "tick" }, asked + ANSWER_MS - 1).left);
  assert.ok(presence(state, { type: "tick" }, asked + ANSWER_MS).left);
  // After sleep the page asks first.
  const woken = presence(state, { type: "seen" }, asked + 9 * ANSWER_MS);
  assert.deepEqual([woken.left, woken.state.askedAt], [false, asked + 9 * ANSWER_MS]);
  for (const name of ["photo", "sending", "waiting", "fetching"]) {
    const working = presence(alone, { type: "screen", name }, 0).state;
    assert.equal(presence(working, { type: "tick" }, 9 * ALONE_MS).state.askedAt, null, name);
  }
});

test("back-off doubles from half a second to five", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 50].map((n) => waitMs(n)),
    [500, 1000, 2000, 4000, 5000, 5000],
  );
});

test("a Retry-After is honoured up to 30 s", () => {
  assert.equal(waitMs(1, 4000), 4000);
  assert.equal(waitMs(5, 1000), 5000);
  assert.equal(waitMs(1, 3_600_000), 30000);
});
