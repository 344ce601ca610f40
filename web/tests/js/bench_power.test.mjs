import assert from "node:assert/strict";
import { test } from "node:test";
import { ASSUMED, hours, implied, laptopW } from "../../bench/power_model.mjs";
import { powerReport } from "../../bench/power_report.mjs";

const ASSUMPTIONS = { ...ASSUMED, batteryWh: 50, bankWh: 100, bankEfficiency: 0.8, idleW: 5, screenW: 3, coreW: 6, batteryHours: 1, bankHours: 4 };

test("watts of the laptop, and the hours they leave", () => {
  assert.equal(laptopW(0.5, false, ASSUMPTIONS), 8);
  assert.equal(laptopW(0.5, true, ASSUMPTIONS), 11);
  assert.deepEqual(hours(10, { battery: 0, bank: 10 }, ASSUMPTIONS), { battery: 5, bank: 4 });
});

test("what the owner's hours imply is what the model then gives back", () => {
  const { all, beside, bankForBatteryLoadWh } = implied(11, ASSUMPTIONS);
  assert.deepEqual(all, { battery: 50, bank: 20 });
  assert.deepEqual(beside, { battery: 39, bank: 9 });
  assert.equal(bankForBatteryLoadWh, 250);
  assert.deepEqual(hours(11, beside, ASSUMPTIONS), { battery: 1, bank: 4 });
});

const cell = (profile, count, isScreenOn, cpuSeconds) => ({
  profile,
  count,
  isScreenOn,
  cpuSeconds,
  threads: [{ name: "detect", cpuSeconds: cpuSeconds / 2 }],
  detectionsPerSecond: 3,
  elsewherePercent: 10,
});

test("the report has a row for each load and names what failed", () => {
  const text = powerReport({
    date: "2026-11-29",
    machine: { cores: 2, cpu: "a processor", system: "a system", kernel: "a kernel", load: 0.5 },
    model: "embedded",
    seconds: 20,
    source: "the built-in scene",
    profiles: ["full", "balanced"],
    screenSize: "1920x1200",
    assumed: ASSUMPTIONS,
    cells: [cell("full", 1, false, 30), cell("balanced", 1, false, 15), cell("full", 5, true, 60)],
    failures: ["balanced, 5 viewers, screen on: no"],
  });
  assert.match(text, /\| 1 +\| +off \| +30\.0 \| +50\.0 \| +3\.0 \| +15\.0 \| +25\.0 \| +3\.0 \| +0\.50 \|/);
  assert.match(text, /\| 5 +\| +on \| +60\.0 \| +100\.0 \| +3\.0 \| +- \|/);
  assert.match(text, /the laptop 14\.0 W/);
  assert.match(text, /- balanced, 5 viewers, screen on: no/);
});
