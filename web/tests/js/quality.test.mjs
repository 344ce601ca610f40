import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGLISH } from "../../pages/app/live_words.js";
import { makeWords } from "../../pages/app/language.js";
import { AUTO, endpointFor, entries, initialChoice } from "../../pages/app/quality.js";

const { say } = makeWords("en", ENGLISH, ENGLISH);
const LADDER = [
  { name: "720p", height: 720 },
  { name: "360p", height: 360 },
];

test("the address outranks what was chosen before, and nonsense is the network's choice", () => {
  assert.equal(initialChoice("?rendition=360p", "720p"), "360p");
  assert.equal(initialChoice("", "720p"), "720p");
  assert.equal(initialChoice("?rendition=720P", null), "720p");
  assert.equal(initialChoice("", null), AUTO);
  assert.equal(initialChoice("?rendition=<b>", "x/y"), AUTO);
});

test("a session asks for what was chosen", () => {
  assert.equal(endpointFor(AUTO), "whep");
  assert.equal(endpointFor("180p"), "whep?rendition=180p");
});

test("the list says what the network chose", () => {
  assert.deepEqual(
    entries(say, LADDER, 360).map((entry) => entry.text),
    ["Auto (360p)", "720p", "360p"],
  );
  assert.equal(entries(say, LADDER, null)[0].text, "Auto");
  assert.deepEqual(entries(say, [], 720), [{ value: AUTO, text: "Auto" }]);
});
