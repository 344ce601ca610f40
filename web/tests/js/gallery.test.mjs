// The order of the slideshow, the neighbours in the lightbox, the codes to join.

import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbour } from "../../pages/gallery/pictures.js";
import { nextPicture } from "../../pages/gallery/slideshow.js";
import { plainAddress, version } from "../../pages/join/codes.js";

const list = (...ids) => ids.map((id) => ({ id }));

test("the slideshow goes round, and new pictures come first", () => {
  const seen = new Set();
  let shown = null;
  const next = (pictures) => {
    shown = nextPicture(pictures, shown, seen)?.id ?? null;
    seen.add(shown);
    return shown;
  };
  const three = list("c", "b", "a");
  assert.deepEqual([next(three), next(three), next(three)], ["a", "b", "c"]);
  assert.deepEqual([next(three), next(three)], ["b", "a"]);
  const five = list("e", "d", "c", "b", "a");
  assert.deepEqual([next(five), next(five), next(five)], ["d", "e", "d"]);
  // What was shown is gone: on with the newest.
  assert.equal(next(list("b", "a")), "b");
  assert.equal(next([]), null);
});

test("the lightbox goes round both ways", () => {
  const three = list("c", "b", "a");
  assert.equal(neighbour(three, "a", 1).id, "c");
  assert.equal(neighbour(three, "c", -1).id, "a");
  assert.equal(neighbour(three, "x", 1), null);
});

test("addresses as people type them, codes anew when they change", () => {
  assert.equal(plainAddress("http://192.168.1.20:8080/booth"), "192.168.1.20:8080/booth");
  assert.equal(plainAddress("https://booth.example/"), "booth.example");
  const here = { booth_url: "http://a/booth", wifi: null };
  assert.equal(version(here), version({ ...here }));
  assert.notEqual(version(here), version({ ...here, booth_url: "http://b/booth" }));
  assert.notEqual(version(here), version({ ...here, wifi: { ssid: "x", security: "WPA" } }));
});
