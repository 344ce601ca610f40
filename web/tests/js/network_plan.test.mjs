import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf, parsedResults, planned, progressText, remaining, runText, secondsOf } from "../../bench/network_plan.mjs";

const SOURCES = [{ name: "scene" }, { name: "webcam" }];
const CONDITIONS = [
  { name: "fast", watchSeconds: 20 },
  { name: "slow", watchSeconds: 32 },
];
const result = (source, condition, number) => ({ source, condition, number, viewers: [] });

test("the first run of every condition comes before the second ones", () => {
  const plan = planned(SOURCES, CONDITIONS, 3);
  assert.equal(plan.length, 12);
  const texts = plan.map((run) => runText(run, 3));
  assert.equal(texts[0], "scene: fast, run 1 of 3");
  assert.equal(texts[3], "webcam: slow, run 1 of 3");
  assert.equal(texts[4], "scene: fast, run 2 of 3");
  assert.equal(new Set(plan.map(keyOf)).size, 12);
});

test("after a break the runs without a result are left", () => {
  const plan = planned(SOURCES, CONDITIONS, 2);
  const results = [result("scene", "fast", 1), result("webcam", "slow", 2), result("scene", "gone", 1)];
  const left = remaining(plan, results);
  assert.equal(left.length, 6);
  assert.equal(runText(left[0], 2), "scene: slow, run 1 of 2");
  assert.equal(remaining(plan, plan.map((run) => result(run.source.name, run.condition.name, run.number))).length, 0);
  assert.equal(secondsOf([]), 0);
  assert.equal(progressText(plan, left), "2 of 8 runs measured, 6 left, about 3 min");
});

test("a line that a kill has cut off is not a result", () => {
  const whole = JSON.stringify(result("scene", "fast", 1));
  const next = JSON.stringify(result("scene", "slow", 1));
  assert.equal(parsedResults(`${whole}\n${next.slice(0, 20)}`).length, 1);
  assert.equal(parsedResults(`${whole}\n${next.slice(0, 20)}\n${next}\n`).length, 2, "the next line is whole");
  assert.deepEqual(parsedResults(""), []);
  assert.deepEqual(parsedResults("null\n17\n"), []);
});
