// The previews of styles on the booth's cards, and the crop to a portrait: what is pure of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isMixed } from "../../pages/booth/cards.js";
import { readHeaders } from "../../pages/booth/previews.js";
import { cropOf } from "../../pages/booth/portrait.js";

test("the headers of previews name styles, and the portrait if there is one", () => {
  const portrait = { left: 0.1, top: 0, width: 0.4, height: 0.5 };
  const read = (headers) => readHeaders(new Headers(headers));
  const both = { "Carrier-Styles": "oil,neon", "Carrier-Portrait": "0.1,0.0000,0.4,0.5" };
  assert.deepEqual(read(both), { styles: ["oil", "neon"], portrait });
  assert.deepEqual(read({}), { styles: [], portrait: null });
  for (const bad of ["0.1,0.2,0.3", "0,0,0,1", "0,0,2,1", "a,b,c,d", "-0.1,0,0.5,0.5"]) {
    assert.equal(read({ "Carrier-Portrait": bad }).portrait, null, bad);
  }
});

test("a crop lies within its picture", () => {
  const picture = { width: 1000, height: 600 };
  const area = { left: 0.25, top: 0.1, width: 0.3, height: 0.5 };
  assert.deepEqual(cropOf(area, picture), { x: 250, y: 60, width: 300, height: 300 });
  const edge = cropOf({ left: 0.9996, top: 0.5, width: 0.5, height: 0.5004 }, picture);
  assert.deepEqual(edge, { x: 999, y: 300, width: 1, height: 300 });
});

test("cards say who makes a style only where somebody else makes others", () => {
  const by = (...names) => names.map((made_by) => ({ made_by }));
  assert.equal(isMixed(by("laptop", "laptop")), false);
  assert.equal(isMixed(by("comfyui")), false);
  assert.equal(isMixed(by("laptop", "comfyui")), true);
  assert.equal(isMixed([]), false);
});
