// The page that draws the station's layout in a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { darkRuns, drawPanels, feedStyle, isSame } from "../../pages/screen/drawing.js";

test("runs of dark modules are drawn as one", () => {
  assert.deepEqual(darkRuns("0110001"), [{ start: 1, length: 2 }, { start: 6, length: 1 }]);
  assert.deepEqual(darkRuns("000"), []);
});

test("the feed is placed in CSS pixels, and nowhere when codes cover it", () => {
  const feed = { x: 0, y: 30, width: 2400, height: 1350 };
  assert.deepEqual(feedStyle({ feed }, 2), { left: "0px", top: "15px", width: "1200px", height: "675px" });
  assert.equal(feedStyle({ feed: null }, 2), null);
});

test("a layout is drawn anew only when it looks different", () => {
  assert.ok(isSame({ panels: [{ x: 1 }] }, { panels: [{ x: 1 }] }));
  assert.ok(!isSame({ panels: [{ x: 1 }] }, { panels: [{ x: 2 }] }));
  assert.ok(!isSame({}, null));
});

test("a panel is drawn at its place, with what is on it, and unknown items are left out", () => {
  const calls = [];
  const context = new Proxy(
    { canvas: { width: 100, height: 50 } },
    { get: (target, name) => target[name] ?? ((...given) => calls.push([name, ...given])), set: () => true },
  );
  const items = [
    { kind: "text", x: 2, baseline: 9, size_px: 8, width_px: 20.5, text: "2 people", colour: "#000000" },
    { kind: "code", x: 1, y: 3, module_px: 2, rows: ["01", "11"] },
    { kind: "of a later version" },
  ];
  drawPanels(context, { panels: [{ area: { x: 10, y: 20, width: 60, height: 20 }, ground: "#ffffff", items }] });
  const drawn = calls.filter(([name]) => ["translate", "fillRect", "fillText"].includes(name));
  assert.deepEqual(drawn, [
    ["translate", 10, 20],
    ["fillRect", 0, 0, 60, 20],
    ["fillText", "2 people", 2, 9, 21],
    ["fillRect", 3, 3, 2, 2],
    ["fillRect", 1, 5, 4, 2],
  ]);
});
