// The control page's counts: hours of the day, and the heat map.

import assert from "node:assert/strict";
import test from "node:test";

import { busiest, choicesOf, heatAlphas, heatMapOf, hoursOfDay, sumOf } from "../../pages/admin/counts_view.js";

const hour = (day, hours, zone, name, entered, most) => ({ hour: `2026-11-${day}T${String(hours).padStart(2, "0")}:00:00Z`, zone, class: name, entered, present_s: 10, most });
const COUNTS = {
  hours: [
    hour(28, 9, null, "person", 3, 2),
    hour(28, 9, "door", "person", 2, 1),
    hour(29, 9, null, "person", 4, 3),
    hour(29, 10, null, "person", 1, 1),
    hour(29, 10, null, "dog", 9, 1),
  ],
  heat: { columns: 4, rows: 2, maps: [{ camera: null, class: "person", seconds: [0, 0, 0, 0, 0, 0, 16, 4] }] },
};
const utc = (text) => new Date(text).getUTCHours();

test("the zones and classes to choose from: the whole picture and the most frequent first", () => {
  assert.deepEqual(choicesOf(COUNTS), { zones: [null, "door"], classes: ["dog", "person"] });
  assert.deepEqual(choicesOf({ hours: [] }), { zones: [null], classes: [] });
});

test("days add up by the hour of the day", () => {
  const day = hoursOfDay(COUNTS, null, "person", utc);
  assert.equal(day.length, 24);
  assert.deepEqual([day[8], day[9], day[10]], [{ entered: 0, most: 0 }, { entered: 7, most: 3 }, { entered: 1, most: 1 }]);
  assert.deepEqual(hoursOfDay(COUNTS, "door", "person", utc)[9], { entered: 2, most: 1 });
  assert.deepEqual(sumOf(COUNTS, null, "person"), { entered: 8, most: 3, present_s: 30 });
});

test("the hours are those of this device", () => {
  const own = hoursOfDay(COUNTS, null, "dog").findIndex(({ entered }) => entered === 9);
  assert.equal(own, new Date("2026-11-29T10:00:00Z").getHours());
});

test("the heat map is found by camera and class, and an empty one is no division by zero", () => {
  const map = heatMapOf(COUNTS, null, "person");
  assert.deepEqual(heatAlphas(map.seconds), [0, 0, 0, 0, 0, 0, 1, 0.5]);
  assert.deepEqual(busiest(COUNTS.heat, map.seconds), [63, 75]);
  assert.equal(heatMapOf(COUNTS, "front", "person"), null);
  assert.deepEqual(heatAlphas([0, 0]), [0, 0]);
  assert.equal(busiest(COUNTS.heat, [0, 0]), null);
});
