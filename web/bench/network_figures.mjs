// The figures of what a viewer saw in a run, their medians over several runs, and whether these meet the goals. Pure.

import { FULL_HEIGHT, fittingHeight } from "./network_conditions.mjs";
import { frozenShare, heightShares, longestGapMs, picturesPerS, reachedMs, traffic } from "./pictures.mjs";
import { median, number, sum } from "./table.mjs";

const START_MS = 2000; // after the first picture: later gaps have a goal of their own
const QUEUE_SETTLES_MS = 5000; // after the POST

// How each figure is shown. Times are in milliseconds, and the start of all but the gaps is the POST.
export const FIGURES = {
  frozenPercent: { name: "frozen", unit: "%", decimals: 1 },
  frozenFromPostPercent: { name: "frozen from the POST on", unit: "%", decimals: 1 },
  firstMs: { name: "first picture", unit: "s", decimals: 1, divisor: 1000 },
  longestGapMs: { name: "longest gap", unit: "ms", decimals: 0 },
  lateGapMs: { name: "longest gap after 2 s", unit: "ms", decimals: 0 },
  reachedMs: { name: "height that fits reached", unit: "s", decimals: 1, divisor: 1000 },
  backMs: { name: `${FULL_HEIGHT} again`, unit: "s", decimals: 1, divisor: 1000 },
  againMs: { name: "moving again", unit: "s", decimals: 1, divisor: 1000 },
  sessions: { name: "sessions", unit: "", decimals: 0 },
  queueMs: { name: "longest queue after 5 s", unit: "ms", decimals: 0 },
  picturesPerS: { name: "pictures", unit: "/s", decimals: 1 },
  bitrateBps: { name: "received", unit: "kbit/s", decimals: 0, divisor: 1000 },
  roundTripMs: { name: "round trip", unit: "ms", decimals: 0 },
};

// What `seen`, one of the viewers of a run, saw. A figure that was never reached is null; one that the condition does not
// have is undefined.
export function figuresOf(condition, sourceBps, span, seen) {
  const { began, pictures, samples, sessions, queue } = seen;
  const { to, liftedAt, end } = span;
  const height = fittingHeight(condition, sourceBps);
  const received = traffic(samples, began, to);
  const common = {
    reachedMs: height === null ? undefined : reachedMs(pictures, height, began, to),
    backMs: liftedAt === null ? undefined : reachedMs(pictures, FULL_HEIGHT, liftedAt, end),
    againMs: liftedAt === null ? undefined : reachedMs(pictures, 0, liftedAt, end),
    sessions,
    queueMs: longestQueueMs(queue, began + QUEUE_SETTLES_MS, to),
    bitrateBps: received.bitrateBps ?? undefined,
    roundTripMs: received.roundTripMs ?? undefined,
  };
  const first = pictures[0]?.[0] ?? Infinity;
  if (first >= to) {
    const nothing = { frozenPercent: 100, frozenFromPostPercent: 100, firstMs: null, picturesPerS: 0, heights: {} };
    return { ...common, ...nothing, longestGapMs: to - began, lateGapMs: end - began };
  }
  return {
    ...common,
    frozenPercent: frozenShare(pictures, first, to) * 100,
    frozenFromPostPercent: frozenShare(pictures, began, to) * 100,
    firstMs: first - began,
    longestGapMs: longestGapMs(pictures, first, end),
    lateGapMs: longestGapMs(pictures, Math.min(first + START_MS, end), end),
    picturesPerS: picturesPerS(pictures, first, to),
    heights: heightShares(pictures, first, to),
  };
}

// `queue`: [[time, ms that a datagram would have waited, null in an outage]].
function longestQueueMs(queue, from, to) {
  const waits = queue.filter(([at, ms]) => at >= from && at <= to && ms !== null).map(([, ms]) => ms);
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

// The figures of several runs: {figure: {median, least, most}}, each on its own, infinite where it was never reached, and the
// mean shares of the heights.
export function summarised(runs) {
  const summary = { heights: meanShares(runs.map(({ heights }) => heights)) };
  for (const figure of Object.keys(FIGURES)) {
    const values = runs.map((one) => one[figure]).filter((value) => value !== undefined);
    if (values.length === 0) continue;
    const reached = values.map((value) => value ?? Infinity);
    summary[figure] = { median: median(reached), least: Math.min(...reached), most: Math.max(...reached) };
  }
  return summary;
}

function meanShares(runs) {
  const heights = new Set(runs.flatMap((shares) => Object.keys(shares)));
  const mean = (height) => sum(runs.map((shares) => shares[height])) / runs.length;
  return Object.fromEntries([...heights].map((height) => [height, mean(height)]));
}

// Whether the median meets the goal.
export function isMet({ figure, is, limit }, summary) {
  const value = summary[figure]?.median;
  if (value === undefined) return false;
  if (is === "below") return value < limit;
  return is === "at most" ? value <= limit : value >= limit;
}

export function missedGoals(goals, summary) {
  return goals.filter((goal) => !isMet(goal, summary));
}

// "1.2 (0.0-3.4)": the median, and the spread where it shows. Empty for a figure that the condition does not have.
export function shown(figure, summary) {
  const found = summary[figure];
  if (!found) return "";
  const { median: middle, least, most } = found;
  const [text, low, high] = [middle, least, most].map((value) => inUnit(figure, value));
  return low === high ? text : `${text} (${low}-${high})`;
}

function inUnit(figure, value) {
  const { decimals, divisor = 1 } = FIGURES[figure];
  return value === Infinity ? "never" : number(value / divisor, decimals);
}

// "frozen below 1 %".
export function goalText({ figure, is, limit }) {
  const { name, unit, divisor = 1 } = FIGURES[figure];
  return `${name} ${is} ${limit / divisor} ${unit}`.trim();
}

export function shownHeights(shares) {
  const parts = Object.entries(shares).sort(([one], [other]) => other - one);
  return parts.map(([height, share]) => `${height}: ${number(share * 100, 0)} %`).join(", ") || "none";
}
