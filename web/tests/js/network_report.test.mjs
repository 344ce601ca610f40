import assert from "node:assert/strict";
import { test } from "node:test";
import { addedConditions, gridConditions } from "../../bench/network_conditions.mjs";
import { outcomes, report, runSummary } from "../../bench/network_report.mjs";
import { replaceGenerated } from "../../bench/table.mjs";
import { film } from "./film.mjs";

const SCENE = { name: "scene", what: "the built-in scene", bitrateBps: 650_000 };
const WEBCAM = { name: "webcam", what: "a clip", bitrateBps: 1_500_000 };
const CONDITIONS = [...gridConditions(), ...addedConditions()];
const SLOW = CONDITIONS.find(({ name }) => name === "300 kbit/s, 20 ms, 0 % loss");
const SLOWEST = CONDITIONS.find(({ name }) => name === "150 kbit/s");

// `firstMs`: of Chromium; the light viewer sees nothing.
function run(source, condition, number, firstMs) {
  const samples = [
    [1000, 100_000, 20],
    [20000, 900_000, 22],
  ];
  const seen = { began: 0, samples, sessions: 1, queue: [] };
  const end = condition.watchSeconds * 1000;
  const pictures = [...film(firstMs, 24000, 180, 60), ...film(24000, end, 720)];
  return {
    source: source.name,
    condition: condition.name,
    number,
    load: number,
    span: { to: 20000, liftedAt: condition.limitEnds && 20000, end },
    link: { down: { offered: 10, lost: 0, overflowed: 2 } },
    viewers: [
      { name: "Chromium", ...seen, pictures },
      { name: "str0m", ...seen, pictures: [] },
    ],
  };
}

const MEASURED = {
  date: "2026-01-01",
  machine: { cores: 2, cpu: "x", system: "y", kernel: "z", chromium: "Chromium 1" },
  runs: 3,
  sources: [SCENE, WEBCAM],
  conditions: CONDITIONS,
  results: [
    run(SCENE, SLOW, 1, 400),
    run(SCENE, SLOW, 2, 900),
    run(SCENE, SLOW, 3, 3000),
    run(SCENE, SLOWEST, 1, 400),
    run(WEBCAM, SLOW, 1, 2000),
  ],
  failures: ["scene: slow: the lossy link ended"],
};

test("each viewer of a measured condition has an outcome", () => {
  const rows = outcomes(SCENE, CONDITIONS, MEASURED.results);
  assert.deepEqual(
    rows.map(({ condition, viewer, runs }) => [condition.name, viewer, runs]),
    [
      [SLOW.name, "Chromium", 3],
      [SLOW.name, "str0m", 3],
      [SLOWEST.name, "Chromium", 1],
      [SLOWEST.name, "str0m", 1],
    ],
  );
  assert.deepEqual(rows[0].missed, []);
  assert.equal(rows[1].missed.length, SLOW.goals.length);
});

test("the report has medians, their spread, and misses in bold", () => {
  const text = report(MEASURED);
  assert.match(text, /load average 1\.0 to 3\.0 \(above the number of cores in 1 of 5 runs, [^)]*\)\. Sources: scene, the built-in scene; webcam, a clip\./);
  assert.match(text, /\| 300 kbit\/s, 20 ms, 0 % loss \| +Chromium \|.*\| +0\.9 \(0\.4-3\.0\) \|.*\| +4\.0 \|/);
  assert.match(text, /\| +str0m \| +\*\*100\.0\*\* \| +100\.0 \| +\*\*never\*\* \|/);
  assert.match(text, /\| 150 kbit\/s \|.*pictures at least 5 \/s \| +16\.\d \|/);
  assert.match(text, /\| first picture at most 1\.5 s +\| +1 of 1 \| +0 of 1 \| +0 of 1 \| +0 of 1 \|/);
  assert.match(text, /\| all of a condition +\| +2 of 2 \| +0 of 2 \| +0 of 1 \| +0 of 1 \|/);
  assert.match(text, /Could not be measured:\n\n- scene: slow/);
  assert.doesNotMatch(text, /undefined|NaN|Infinity/);
  const document = replaceGenerated("# Benchmarks\n", text, "network");
  assert.match(document, /<!-- network:begin -->/);
  assert.equal(replaceGenerated(document, text, "network"), document);
});

test("a condition with fewer runs than others says so", () => {
  const results = [...MEASURED.results, run(SCENE, CONDITIONS[0], 1, 100)];
  assert.match(report({ ...MEASURED, results }), /unlimited, 20 ms, 0 % loss +\| +Chromium \(1 runs\)/);
});

test("nothing measured is a report, too", () => {
  assert.match(report({ ...MEASURED, results: [] }), /load average unknown/);
});

test("a run in one line says what it misses", () => {
  const line = runSummary(SLOW, SCENE, MEASURED.results[2]);
  assert.match(line, /Chromium: frozen 0\.0 %, 180: 100 %, \d+ kbit\/s; misses: first picture 3\.0 \|/);
  assert.match(line, /link: 10 in, 0 lost, 2 overflowed$/);
});
