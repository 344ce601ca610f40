// What is taken home: sheets of shots, alternative texts, and prints.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeWords } from "../../pages/app/language.js";
import { altWords } from "../../pages/booth/keepsake.js";
import { canAsk, printWords } from "../../pages/booth/print.js";
import * as takes from "../../pages/booth/takes.js";

const english = JSON.parse(readFileSync(new URL("../../pages/lang/en.json", import.meta.url), "utf8"));
const words = makeWords("en", english, english);

test("the kind of a photo is in its type, and survives being stored by it", () => {
  for (const kind of takes.KINDS) {
    const photo = takes.asKind(new Blob(["x"], { type: "image/jpeg" }), kind);
    assert.equal(takes.kindOf(photo), kind);
    assert.equal(takes.kindOf(new Blob(["x"], { type: photo.type })), kind);
  }
  assert.equal(takes.kindOf(null), "single");
  assert.equal(takes.kindOf(new Blob([], { type: "image/png" })), "single");
  const unknown = takes.asKind(new Blob([], { type: "image/jpeg" }), "album");
  assert.equal(takes.kindOf(unknown), "single");
});

test("shots are at most 4:3 and at least square, of whole blocks, and fit the station's limit", () => {
  for (const kind of ["strip", "boomerang"]) {
    for (const [width, height] of [[1280, 720], [640, 480], [720, 1280], [4000, 3000]]) {
      const part = takes.shotPart(width, height);
      const shape = part.width / part.height;
      assert.ok(shape >= 0.999 && shape <= 1.334, `${width}x${height}: ${shape}`);
      assert.ok(part.x >= 0 && part.x + part.width <= width + 1e-9);
      assert.ok(part.y >= 0 && part.y + part.height <= height + 1e-9);
      const cell = takes.cellSize(kind, part);
      assert.ok(Math.abs(cell.width / cell.height / shape - 1) < 0.04, JSON.stringify(cell));
      assert.equal(cell.width % 16 + (cell.height % 16), 0);
      const last = takes.place(kind, takes.shotsOf(kind) - 1, cell);
      assert.ok(Math.max(last.x + cell.width, last.y + cell.height) <= 2048 + 16);
    }
  }
});

test("shots are placed row by row", () => {
  const cell = { width: 100, height: 80 };
  assert.deepEqual(takes.place("strip", 1, cell), { x: 100, y: 0 });
  assert.deepEqual(takes.place("strip", 2, cell), { x: 0, y: 80 });
  assert.deepEqual(takes.place("boomerang", 11, cell), { x: 200, y: 240 });
});

test("only the station itself makes sheets", () => {
  const styles = [{ id: "oil", made_by: "laptop" }, { id: "clay", made_by: "comfyui" }];
  assert.deepEqual(takes.stylesFor("single", styles), styles);
  assert.deepEqual(takes.stylesFor("strip", styles), styles.slice(0, 1));
});

test("an alternative text names style, event and date", () => {
  const job = { style: "comic", made_by: "laptop", photo_kind: "strip", event: "Fest", created_at_unix_ms: 1.795e12 };
  const styles = [{ id: "comic", title: "Comic book", made_by: "laptop" }];
  const text = altWords(job, styles, words);
  assert.match(text, /four pictures .*Comic book.*, Fest, November \d+, 2026$/);
  assert.match(altWords({ ...job, event: null, photo_kind: "single" }, [], words), /^Your picture .*Comic”, November/);
});

test("a print says how far it is", () => {
  const print = (state, copies_left = 1) => ({ state, copies_left, approval: true });
  assert.deepEqual([printWords(print(null)), canAsk(print(null))], ["print.approval", true]);
  assert.equal(printWords({ ...print(null), approval: false }), null);
  for (const state of ["waiting", "sending"]) assert.equal(canAsk(print(state)), false);
  assert.equal(canAsk(print("printed", 0)), false);
  assert.equal(canAsk(print("refused")), true);
  assert.equal(printWords(print(null, 0)), "print.none");
  assert.equal(printWords(print("printed"), true), "print.failed");
  for (const state of ["waiting", "sending", "printed", "refused", "failed"]) {
    assert.ok(words.knows(printWords(print(state))), state);
  }
});
