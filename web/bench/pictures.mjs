// What a viewer saw, from the times and heights of its pictures. Pure; times in milliseconds.
// `pictures`: [[time, height]], oldest first.

import { median, sum } from "./table.mjs";

// Three frames at 15 frames a second. W3C's freezeCount takes 183 ms as a freeze at 30 frames a second and 217 ms at 15.
export const FROZEN_MS = 200;

const between = (pictures, from, to) => pictures.filter(([at]) => at >= from && at <= to);

// The times without a new picture between two moments.
function gaps(pictures, from, to) {
  const times = [from, ...between(pictures, from, to).map(([at]) => at), to];
  return times.slice(1).map((at, index) => at - times[index]);
}

// The share of the time in gaps that are freezes.
export function frozenShare(pictures, from, to) {
  return sum(gaps(pictures, from, to).filter((gap) => gap > FROZEN_MS)) / (to - from);
}

export function longestGapMs(pictures, from, to) {
  return Math.max(...gaps(pictures, from, to));
}

// {height: share of the time}; a picture counts until the next one, the first from `from` on.
export function heightShares(pictures, from, to) {
  const within = between(pictures, from, to);
  const times = {};
  within.forEach(([at, height], index) => {
    const start = index === 0 ? from : at;
    const end = within[index + 1]?.[0] ?? to;
    times[height] = (times[height] ?? 0) + end - start;
  });
  const all = sum(Object.values(times)) || 1;
  return Object.fromEntries(Object.entries(times).map(([height, ms]) => [height, ms / all]));
}

export function picturesPerS(pictures, from, to) {
  return between(pictures, from, to).length / ((to - from) / 1000);
}

// How long after `from` at least that height came and stayed until `to`; null if it did not.
export function reachedMs(pictures, height, from, to) {
  const within = between(pictures, from, to);
  const lower = within.findLastIndex((picture) => picture[1] < height);
  const reached = within[lower + 1];
  return reached ? reached[0] - from : null;
}

// `samples`: [[time, bytes so far, round trip or null]]. The bit rate between two times, and the median round trip.
export function traffic(samples, from, to) {
  const within = samples.filter(([at]) => at >= from && at <= to);
  const trips = within.map((sample) => sample[2]).filter((ms) => ms !== null);
  const [first, last] = [within[0], within.at(-1)];
  const seconds = within.length > 1 ? (last[0] - first[0]) / 1000 : 0;
  return {
    bitrateBps: seconds > 0 ? ((last[1] - first[1]) * 8) / seconds : null,
    roundTripMs: median(trips),
  };
}
