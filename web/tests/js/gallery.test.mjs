// The gallery's order, the page with the codes, and where a picture lies on its page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenIds } from "../../pages/admin/bulk.js";
import { contained, overlap } from "../../pages/app/edges.js";
import { neighbour } from "../../pages/gallery/lightbox.js";
import { objectPosition } from "../../pages/gallery/pictures.js";
import { nextPicture } from "../../pages/gallery/slideshow.js";
import { addressParts, plainAddress, version } from "../../pages/join/codes.js";

const list = (...ids) => ids.map((id) => ({ id }));

test("the slideshow wraps around, and shows new pictures first", () => {
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
  // The shown picture is gone: the newest comes next.
  assert.equal(next(list("b", "a")), "b");
  assert.equal(next([]), null);
});

test("the lightbox wraps around in both directions", () => {
  const three = list("c", "b", "a");
  assert.equal(neighbour(three, "a", 1).id, "c");
  assert.equal(neighbour(three, "c", -1).id, "a");
  assert.equal(neighbour(three, "x", 1), null);
});

test("addresses are shortened, and codes fetched again when they change", () => {
  assert.equal(plainAddress("http://192.168.1.20:8080/booth"), "192.168.1.20:8080/booth");
  assert.equal(plainAddress("https://booth.example/"), "booth.example");
  const here = { booth_url: "http://a/booth", wifi: null };
  assert.equal(version(here), version({ ...here }));
  assert.notEqual(version(here), version({ ...here, booth_url: "http://b/booth" }));
  assert.notEqual(version(here), version({ ...here, wifi: { ssid: "x", security: "WPA" } }));
});

test("an address may break behind its separators", () => {
  assert.deepEqual(addressParts("photo-booth.example:8080/a/booth"), ["photo-", "booth.", "example:", "8080/", "a/", "booth"]);
  assert.equal(addressParts("http://[fe80::1]/booth").join(""), "http://[fe80::1]/booth");
});

test("where a picture lies in its element, and what covers it", () => {
  const upright = { left: 0, top: 0, width: 390, height: 844 };
  const wide = contained(upright, 1280, 720);
  assert.deepEqual([wide.left, wide.right, Math.round(wide.top), Math.round(wide.bottom)], [0, 390, 312, 532]);
  const dock = { left: 12, right: 378, top: 766, bottom: 832 };
  assert.equal(overlap(dock, wide), false);
  assert.equal(overlap(dock, contained(upright, 720, 1280)), true, "a portrait picture");
  assert.equal(overlap(dock, { left: 0, right: 390, top: 700, bottom: 766.5 }), false, "rectangles that only touch");
  assert.equal(contained(upright, 0, 0), upright, "without a picture the whole element counts");
});

test("a crop has the faces in its middle, as far as the picture reaches", () => {
  const at = (x, y, width, height) => objectPosition({ x, y }, width, height);
  assert.equal(at(0.5, 0.5, 1600, 900), "50% 50%");
  assert.equal(at(0, 0.2, 1600, 900), "0% 50%");
  assert.equal(at(0.7, 0.2, 1600, 800), "90% 50%");
  assert.equal(at(0.1, 0.3, 800, 1600), "50% 10%");
  assert.equal(at(0.9, 0.9, 500, 500), "50% 50%");
});

test("which pictures a choice means", () => {
  const now = new Date(2026, 10, 28, 18, 0).getTime();
  const hours = (count) => now - count * 3600e3;
  const pictures = [0.5, 2, 7, 17.9, 18.5].map((count) => ({ id: `${count}`, made_at_unix_ms: hours(count) }));
  const chosen = (choice) => chosenIds(choice, pictures, now).join();
  assert.equal(chosen("all"), "0.5,2,7,17.9,18.5");
  assert.equal(chosen("today"), "0.5,2,7,17.9");
  assert.equal(chosen("older.6"), "7,17.9,18.5");
  assert.equal(chosen("older.12"), "17.9,18.5");
  assert.equal(chosen("none"), "");
});
