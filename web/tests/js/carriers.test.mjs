// The control page's other carriers, in words.

import assert from "node:assert/strict";
import test from "node:test";

import { carrierWords, codeClock, hindrance } from "../../pages/admin/carriers_view.js";

const words = { language: "en", number: String, say: (key, values = {}) => [key, ...Object.values(values)].join("|") };
const CARRIER = { id: "k", name: "north", state: "connected", round_trip_ms: 12, clock_offset_ms: 0, heard_s_ago: 3, persons: 2, viewers: 1, is_shutter_closed: false, records: 0 };

test("a carrier that is here has counts, one that is away has a time", () => {
  const here = carrierWords(words, CARRIER, 0);
  assert.deepEqual(here, { title: "north", facts: ["control.carriers.here.ms|12", "control.carriers.persons|2", "control.carriers.viewers|1"], isHere: true });
  const away = carrierWords(words, { ...CARRIER, state: "away", heard_s_ago: 720 }, 0);
  assert.deepEqual(away.facts, ["control.carriers.away|12 minutes ago"]);
  assert.equal(away.isHere, false);
  const never = carrierWords(words, { ...CARRIER, state: "away", heard_s_ago: null, persons: null }, 0);
  assert.deepEqual(never.facts, ["control.carriers.never"]);
});

test("a closed shutter is said", () => {
  const { facts } = carrierWords(words, { ...CARRIER, state: "through_others", is_shutter_closed: true }, 0);
  assert.deepEqual(facts.slice(0, 2), ["control.carriers.through", "control.carriers.shutter"]);
});

test("what hinders pairing is said", () => {
  const report = { is_built_in: true, enabled: true, failure: null, id: "k" };
  assert.equal(hindrance(words, report), null);
  assert.equal(hindrance(words, { ...report, is_built_in: false }), "control.carriers.not_built");
  assert.equal(hindrance(words, { ...report, enabled: false }), "control.carriers.off");
  assert.equal(hindrance(words, { ...report, failure: "port", id: null }), "control.carriers.failed|port");
});

test("the time that a code has left", () => {
  assert.deepEqual([245, 60, 9].map(codeClock), ["4:05", "1:00", "0:09"]);
});
