// The booth on a device that visitors share: when a visitor has left, a face that is held still, the place of the
// digits, and the address of a code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { secretIn } from "../../pages/booth/handover.js";
import { digitSpot } from "../../pages/booth/digit_spot.js";
import { facesOf } from "../../pages/booth/faces.js";
import * as hold from "../../pages/booth/kiosk/hold.js";
import * as idle from "../../pages/booth/kiosk/idle.js";
import { initial, step } from "../../pages/booth/visit.js";
import { makingWords } from "../../pages/booth/words.js";
import { playFrom } from "./play.mjs";

test("the next visitor's turn begins 30 s after the last touch, and later while a picture is made", () => {
  const at = (state, type, now, name) => idle.step(state, { type, name }, now);
  assert.equal(idle.leftMs(idle.initial, 1e9), Infinity);
  let state = at(idle.initial, "screen", 1000, "style");
  assert.equal(idle.leftMs(state, 1000), idle.IDLE_MS);
  state = at(state, "touched", 21_000);
  assert.equal(idle.leftMs(state, 50_000), 1000);
  assert.equal(idle.leftMs(state, 51_000), 0);
  state = at(state, "screen", 22_000, "waiting");
  assert.equal(idle.leftMs(state, 22_000), idle.WORKING_MS);
  state = at(state, "screen", 100_000, "done");
  assert.equal(idle.leftMs(state, 100_000), idle.IDLE_MS, "a result is shown for as long, however long it took");
  assert.equal(idle.leftMs(at(state, "screen", 101_000, "photo"), 1e9), Infinity);
});

const face = (x, height = 0.3, id = 1) => ({ id, x1: x - 0.1, x2: x + 0.1, y1: 0.4 - height / 2, y2: 0.4 + height / 2 });

// Plays one detection each 100 ms; gives when it was pressed.
function presses(faces, state = hold.initial({ armed: true })) {
  const pressedAt = [];
  let now = 0;
  for (const seen of faces) {
    state = hold.step(state, seen, now);
    if (state.pressed) pressedAt.push(now);
    now += 100;
  }
  return { pressedAt, state, now };
}
const times = (count, seen) => Array.from({ length: count }, () => seen);

test("a face that is held still for three seconds presses, once", () => {
  assert.deepEqual(presses(times(100, [face(0.5)])).pressedAt, [hold.HOLD_MS]);
  const trembling = Array.from({ length: 31 }, (_, n) => [face(0.5 + 0.02 * (n % 3))]);
  assert.deepEqual(presses(trembling).pressedAt, [hold.HOLD_MS]);
});

test("a face that walks by, comes nearer, or is far away presses nothing", () => {
  const walking = Array.from({ length: 60 }, (_, n) => [face(0.2 + n * 0.01)]);
  assert.deepEqual(presses(walking).pressedAt, []);
  const coming = Array.from({ length: 60 }, (_, n) => [face(0.5, 0.12 * 1.02 ** n)]);
  assert.deepEqual(presses(coming).pressedAt, []);
  assert.deepEqual(presses(times(100, [face(0.5, 0.06)])).pressedAt, []);
});

test("short gaps of detection do not count, longer ones begin anew", () => {
  const one = [face(0.5)];
  assert.deepEqual(presses([...times(15, one), ...times(4, []), ...times(20, one)]).pressedAt, [hold.HOLD_MS]);
  assert.deepEqual(presses([...times(15, one), ...times(8, []), ...times(31, one)]).pressedAt, [2300 + hold.HOLD_MS]);
});

test("who stands there from before must leave first", () => {
  const before = hold.initial({ armed: false });
  assert.deepEqual(presses(times(200, [face(0.5)]), before).pressedAt, []);
  const { pressedAt } = presses([...times(50, [face(0.5)]), ...times(17, []), ...times(40, [face(0.5)])], before);
  assert.deepEqual(pressedAt, [6700 + hold.HOLD_MS]);
});

test("the progress is that of the face, also when another one is smaller", () => {
  const { state, now } = presses(times(16, [face(0.2, 0.15, 7), face(0.6)]));
  assert.ok(Math.abs(hold.progress(state, now) - 1600 / hold.HOLD_MS) < 0.001);
  assert.equal(hold.progress(hold.initial({ armed: true }), 5000), 0);
});

const covers = ({ x, y }, { x1, x2, y1, y2 }) => x > x1 && x < x2 && y > y1 && y < y2;

test("the digits stand beside the faces and over none of them", () => {
  for (const aspect of [16 / 9, 4 / 3, 9 / 16]) {
    for (const faces of [null, [], [face(0.5)], [face(0.15), face(0.85)], [face(0.15), face(0.5), face(0.85)]]) {
      const spot = digitSpot(faces, aspect);
      assert.ok((faces ?? []).every((box) => !covers(spot, box)), JSON.stringify([aspect, faces, spot]));
      assert.ok(spot.x > 0 && spot.x < 1 && spot.y > 0 && spot.y < 1);
    }
  }
  assert.ok(digitSpot([face(0.2)], 16 / 9).x > 0.2, "on the free side");
  assert.ok(digitSpot([face(0.8)], 16 / 9).x < 0.8);
});

test("the faces among the tracks, as shares of the picture", () => {
  const tracks = [
    { id: 1, class: "person", box: [0, 0, 100, 100] },
    { id: 2, class: "face", box: [320, 180, 640, 360] },
  ];
  assert.deepEqual(facesOf({ tracks, width: 1280, height: 720 }), [{ id: 2, x1: 0.25, y1: 0.25, x2: 0.5, y2: 0.5 }]);
});

test("the next visitor finds the first state, whatever there was", () => {
  const playing = playFrom(initial(), step, [0, { type: "photo", photo: "file" }], [1, { type: "choose", style: "oil" }]);
  const { state, actions } = step(playing.state, { type: "next" }, 2);
  assert.deepEqual(state, initial());
  assert.deepEqual(actions, ["abort", "unfollow", "forget", "drop_photo"]);
});

test("the address of a code", () => {
  const secret = "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11";
  assert.equal(secretIn(`#handover=${secret}`), secret);
  for (const other of ["", `#${secret}`, "#handover=", `#handover=${secret}0`, "#handover=../../x"]) assert.equal(secretIn(other), null);
});

test("what is made is named", () => {
  const words = { knows: (key) => key === "making.watercolour", say: (key) => key };
  const offer = { styles: [{ id: "w", title: "Watercolour" }, { id: "x", title: "Grandma's kitchen" }] };
  const said = (style) => makingWords({ job: { style } }, offer, words);
  assert.deepEqual(said("w"), ["making.watercolour"]);
  assert.deepEqual(said("x"), ["work.making", { style: "Grandma's kitchen" }]);
  assert.deepEqual(said("gone"), ["work.running"]);
  assert.deepEqual(makingWords({ job: null }, undefined, words), ["work.running"]);
});
