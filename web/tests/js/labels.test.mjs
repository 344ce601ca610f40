// The labels that the live page puts over the painted ones where the picture is small.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeWords } from "../../pages/app/language.js";
import { labelPositions } from "../../pages/app/label_positions.js";
import { labelText } from "../../pages/app/labels.js";

const BOUNDS = { width: 360, height: 202 };
const request = (id, left, top, right, bottom) => ({ id, box: { left, top, right, bottom }, width: 80, height: 17 });
const placed = (requests, before = new Map()) => labelPositions(requests, BOUNDS, before);
const sides = (...args) => placed(...args).map(({ side }) => side);

test("a label is above its box, inside at the top of the picture, and below a low box there", () => {
  assert.deepEqual(sides([request(1, 40, 50, 140, 150)]), ["above"]);
  assert.deepEqual(sides([request(1, 40, 5, 140, 150)]), ["inside"]);
  assert.deepEqual(sides([request(1, 40, 5, 140, 30)]), ["below"]);
});

test("labels stay in the picture", () => {
  const [{ x, y }] = placed([request(1, 340, 50, 359, 150)]);
  assert.deepEqual([x, y], [280, 33]);
  assert.equal(placed([request(1, -30, 50, 20, 150)])[0].x, 0);
});

test("no label covers another one: it goes to another side, or is left to the painted one", () => {
  const crowd = [request(1, 40, 60, 140, 150), request(2, 60, 62, 160, 150), request(3, 50, 61, 150, 150), request(4, 55, 61, 150, 150)];
  const boxes = placed(crowd);
  assert.deepEqual(boxes.map(({ id, side }) => [id, side]), [[1, "above"], [2, "inside"], [3, "below"]]);
});

test("a label leaves its place only for one with room to spare", () => {
  const atEdge = [request(1, 40, 19, 140, 150)];
  assert.deepEqual(sides(atEdge), ["above"]);
  assert.deepEqual(sides(atEdge, new Map([[1, "inside"]])), ["inside"]);
  assert.deepEqual(sides([request(1, 40, 30, 140, 150)], new Map([[1, "inside"]])), ["above"]);
});

test("labels say what the station's say, in the visitor's language and without the number", () => {
  const table = (code) => JSON.parse(readFileSync(new URL(`../../../detector/lang/${code}.json`, import.meta.url), "utf8"));
  const [english, german] = [makeWords("en", {}, {}), makeWords("de", table("de"), {})];
  const cup = { id: 7, class: "cup", score: 0.876 };
  assert.equal(labelText(cup, "name_score_id", english), "cup 88%");
  assert.equal(labelText(cup, "name_score", german), "Tasse 88%");
  assert.equal(labelText(cup, "name", german), "Tasse");
  assert.equal(labelText({ ...cup, class: "forklift" }, "name", german), "forklift");
  assert.equal(labelText({ ...cup, class: "a name that is as long as the day" }, "name", english).length, 24);
});
