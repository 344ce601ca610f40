// What a viewer saw, from the times and heights of its pictures. Pure; times in milliseconds.

import { median, sum } from "./table.mjs";

// Three frames at 15 frames a second, the slowest rendition. W3C's freezeCount takes 183 ms as a freeze at 30 frames a
// second and 217 ms at 15.
export const FROZEN_MS = 200;
export const FULL_HEIGHT = 720;

// `pictures`: [[time, height]], oldest first. From `from`, or from the first picture if that is later, to `to`; null
// without a picture.
export function watched(pictures, from, to) {
  const within = pictures.filter(([at]) => at >= from && at <= to);
  if (within.length === 0) return null;
  const earlier = pictures.some(([at]) => at < from);
  const began = earlier ? from : within[0][0];
  const times = [began, ...within.map(([at]) => at), to];
  const gaps = times.slice(1).map((at, index) => at - times[index]);
  const frozen = gaps.filter((gap) => gap > FROZEN_MS);
  return {
    spanMs: to - began,
    pictures: within.length,
    freezes: frozen.length,
    frozenShare: sum(frozen) / (to - began),
    longestGapMs: Math.max(...gaps),
    heights: shares(within, began, to),
    settledMs: settled(within) - began,
    lastHeight: within.at(-1)[1],
  };
}

// {height: share of the time}; a picture counts until the next one.
function shares(pictures, began, to) {
  const times = {};
  pictures.forEach(([at, height], index) => {
    const start = index === 0 ? began : at;
    const end = pictures[index + 1]?.[0] ?? to;
    times[height] = (times[height] ?? 0) + end - start;
  });
  const all = sum(Object.values(times)) || 1;
  return Object.fromEntries(Object.entries(times).map(([height, ms]) => [height, ms / all]));
}

// When the height changed for the last time.
function settled(pictures) {
  let at = pictures[0][0];
  for (let index = 1; index < pictures.length; index += 1) {
    if (pictures[index][1] !== pictures[index - 1][1]) at = pictures[index][0];
  }
  return at;
}

// How long after `lifted` the full height came and stayed until `to`; null if it did not.
export function recoveredMs(pictures, lifted, to) {
  const after = pictures.filter(([at]) => at >= lifted && at <= to);
  if (after.length === 0 || after.at(-1)[1] !== FULL_HEIGHT) return null;
  return Math.max(settled(after) - lifted, 0);
}

// `samples`: [[time, bytes so far, round trip or null]]. The bit rate between two times, and the median round trip.
export function traffic(samples, from, to) {
  const within = samples.filter(([at]) => at >= from && at <= to);
  const trips = within.map((sample) => sample[2]).filter((ms) => ms !== null);
  const [first, last] = [within[0], within.at(-1)];
  const seconds = within.length > 1 ? (last[0] - first[0]) / 1000 : 0;
  return {
    bytes: seconds > 0 ? last[1] - first[1] : null,
    bitrateBps: seconds > 0 ? ((last[1] - first[1]) * 8) / seconds : null,
    roundTripMs: median(trips),
  };
}
