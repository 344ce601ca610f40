import assert from "node:assert/strict";
import { test } from "node:test";
import { addedConditions, fittingHeight, gridConditions, quickConditions } from "../../bench/network_conditions.mjs";
import { FIGURES, figuresOf, goalText, isMet, missedGoals, shown, summarised } from "../../bench/network_figures.mjs";
import { film } from "./film.mjs";

const SCENE_BPS = 650_000;
const FULL_BPS = 1_500_000;

const named = (name) => [...gridConditions(), ...addedConditions()].find((one) => one.name === name);
const viewer = (pictures, more = {}) => ({ began: 0, pictures, samples: [], sessions: 1, queue: [], ...more });

test("every condition has a name of its own, goals with figures, and steps in order", () => {
  const all = [...gridConditions(), ...addedConditions()];
  assert.equal(gridConditions().length, 24);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const { goals, steps, watchSeconds, judgedSeconds, viewers, limitEnds } of [...all, ...quickConditions()]) {
    assert.ok(goals.length > 0 && goals.every(({ figure }) => FIGURES[figure]));
    assert.ok(steps.every(([at], index) => at < watchSeconds && at >= (steps[index - 1]?.[0] ?? 0)));
    assert.ok(judgedSeconds <= watchSeconds);
    assert.ok(limitEnds === null || steps.some(([at]) => at === limitEnds), "a limit ends with a step");
    assert.equal(new Set(viewers).size, 2);
  }
  assert.deepEqual(named("300 kbit/s, 100 ms, 10 % loss").orders, ["both loss=0.1 delay_ms=50", "down rate_bps=300000"]);
  const texts = named("300 kbit/s, 100 ms, 10 % loss").goals.map(goalText);
  assert.ok(texts.includes("frozen below 1 %") && texts.includes("first picture at most 1.5 s"));
  assert.ok(named("1 Mbit/s, 20 ms, 0 % loss").goals.map(goalText).includes("first picture at most 1 s"));
});

test("the height that fits depends on the limit, the loss and the source", () => {
  const heights = (name) => [SCENE_BPS, FULL_BPS].map((bps) => fittingHeight(named(name), bps));
  assert.deepEqual(heights("unlimited, 100 ms, 10 % loss"), [720, 720]);
  assert.deepEqual(heights("1 Mbit/s, 20 ms, 10 % loss"), [720, 360]);
  assert.deepEqual(heights("300 kbit/s, 20 ms, 0 % loss"), [180, 180]);
  assert.deepEqual(heights("150 kbit/s"), [null, null]);
});

test("the figures of a viewer that moves down, and up when the limit goes", () => {
  const condition = named("300 kbit/s, 20 ms, 0 % loss");
  const span = { to: 20000, liftedAt: 20000, end: 32000 };
  const pictures = [...film(1000, 2000, 720), ...film(2600, 5000, 360), ...film(5000, 24000, 180, 60), ...film(24000, 32000, 720)];
  const seen = figuresOf(condition, FULL_BPS, span, viewer(pictures));
  assert.equal(seen.firstMs, 1000);
  assert.ok(seen.longestGapMs > 600 && seen.longestGapMs < 640);
  assert.ok(seen.lateGapMs <= 60, "the gap was within the first two seconds");
  assert.ok(seen.frozenPercent > 3 && seen.frozenPercent < 3.5);
  assert.ok(seen.frozenFromPostPercent > 8 && seen.frozenFromPostPercent < 8.2);
  assert.equal(seen.reachedMs, 1000, "larger than what fits counts as reached");
  assert.equal(seen.backMs, 4000);
  assert.ok(seen.picturesPerS > 15);
  const summary = summarised([seen]);
  assert.deepEqual(missedGoals(condition.goals, summary).map(goalText), ["frozen below 1 %"]);
});

test("a viewer without a picture misses every goal of the grid", () => {
  const condition = named("300 kbit/s, 20 ms, 0 % loss");
  const span = { to: 20000, liftedAt: 20000, end: 32000 };
  for (const pictures of [[], film(20100, 31000, 180)]) {
    const seen = figuresOf(condition, FULL_BPS, span, viewer(pictures));
    assert.equal(seen.frozenPercent, 100);
    assert.equal(seen.picturesPerS, 0);
    assert.equal(missedGoals(condition.goals, summarised([seen])).length, condition.goals.length);
  }
});

test("an outage is judged by the first picture after it and by the session", () => {
  const condition = named("outage of 3 s");
  const span = { to: 24000, liftedAt: 11000, end: 24000 };
  const pictures = [...film(100, 8000, 720), ...film(11400, 24000, 720)];
  const seen = figuresOf(condition, FULL_BPS, span, viewer(pictures));
  assert.equal(seen.againMs, 400);
  assert.deepEqual(missedGoals(condition.goals, summarised([seen])), []);
  const again = figuresOf(condition, FULL_BPS, span, viewer(pictures, { sessions: 2 }));
  assert.deepEqual(missedGoals(condition.goals, summarised([again])).map(({ figure }) => figure), ["sessions"]);
  const failed = figuresOf(condition, FULL_BPS, span, viewer(pictures, { sessions: null }));
  assert.equal(shown("sessions", summarised([failed])), "never");
});

test("the queue counts after five seconds, outages apart", () => {
  const condition = named("1 Mbit/s, queue of 1 s");
  const span = { to: 20000, liftedAt: null, end: 20000 };
  const queue = [
    [1000, 990],
    [4999, 900],
    [6000, 120],
    [7000, null],
    [8000, 300],
  ];
  const seen = figuresOf(condition, FULL_BPS, span, viewer(film(0, 20000, 360), { queue }));
  assert.equal(seen.queueMs, 300);
  assert.deepEqual(missedGoals(condition.goals, summarised([seen])), []);
  const unknown = figuresOf(condition, FULL_BPS, span, viewer(film(0, 20000, 360)));
  assert.equal(missedGoals(condition.goals, summarised([unknown])).length, 1, "what was not measured is not met");
});

test("medians with their spread; what was never reached is the largest", () => {
  const runs = [
    { frozenPercent: 3.04, reachedMs: null, heights: { 720: 1 } },
    { frozenPercent: 0, reachedMs: 1500, heights: { 720: 0.5, 360: 0.5 } },
    { frozenPercent: 0.4, reachedMs: 2500, heights: { 360: 1 } },
  ];
  const summary = summarised(runs);
  assert.equal(shown("frozenPercent", summary), "0.4 (0.0-3.0)");
  assert.equal(shown("reachedMs", summary), "2.5 (1.5-never)");
  assert.equal(shown("backMs", summary), "", "a figure that the condition does not have");
  assert.deepEqual(summary.heights, { 720: 0.5, 360: 0.5 });
  assert.equal(shown("frozenPercent", summarised([runs[1], runs[1]])), "0.0");
  assert.equal(shown("frozenPercent", summarised([runs[1], runs[2]])), "0.2 (0.0-0.4)", "the mean of the middle two");
  assert.equal(shown("reachedMs", summarised([runs[0], runs[1]])), "never (1.5-never)");
  assert.ok(isMet({ figure: "reachedMs", is: "at most", limit: 2500 }, summary));
  assert.ok(!isMet({ figure: "frozenPercent", is: "below", limit: 0.4 }, summary));
  assert.ok(isMet({ figure: "frozenPercent", is: "at least", limit: 0.4 }, summary));
});
