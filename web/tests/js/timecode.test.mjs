import assert from "node:assert/strict";
import { test } from "node:test";
import { CELLS, decodeCells, expand } from "../../pages/app/timecode.js";
import { stripBits } from "../browser/mock/scene.js";

const NOW = Date.UTC(2026, 10, 21, 10, 15, 30, 123);
const asBrightness = (bits, black = 16, white = 235) => bits.map((bit) => (bit ? white : black));

test("reads back what the scene paints", () => {
  const cells = asBrightness(stripBits(NOW));
  assert.equal(cells.length, CELLS);
  assert.equal(expand(decodeCells(cells), NOW + 40), NOW);
});

test("a worked example: 0x12345678 has the nibble XOR 8", () => {
  const cells = asBrightness(stripBits(0x12345678), 40, 200);
  assert.equal(decodeCells(cells), 0x12345678);
  assert.deepEqual(stripBits(0x12345678).slice(34, 38), [1, 0, 0, 0]);
});

test("one wrong cell is never a time", () => {
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

test("the low 32 bits are completed across their wrap", () => {
  const wrap = 2 ** 32 * 400;
  assert.equal(expand(2 ** 32 - 10, wrap + 5), wrap - 10);
  assert.equal(expand(5, wrap - 10), wrap + 5);
});
