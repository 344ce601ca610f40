// The network conditions that are measured, and the report of what viewers saw under them. Pure.

import { FROZEN_MS, FULL_HEIGHT, recoveredMs, traffic, watched } from "./pictures.mjs";
import { number, table } from "./table.mjs";

const LOSSES = [0, 0.01, 0.05, 0.1];
const DELAYS_MS = [20, 100]; // of the round trip
const MBIT = 1_000_000;
const SLOW_BPS = 300_000;
const RATES_BPS = [null, MBIT, SLOW_BPS];

// `lifts`: the rate limit is removed in the end.
function conditions(loss, delayMs, rateBps) {
  return { loss, delayMs, rateBps, lifts: rateBps === SLOW_BPS };
}

export function allConditions() {
  return RATES_BPS.flatMap((rate) =>
    DELAYS_MS.flatMap((delay) => LOSSES.map((loss) => conditions(loss, delay, rate))),
  );
}

export function quickConditions() {
  return [conditions(0, 20, null), conditions(0.05, 100, null), conditions(0, 20, SLOW_BPS)];
}

// Networks outside the grid, each with a name, the relay's orders, and the orders that follow after some seconds.
// Between two viewers and the station each has a bottleneck of its own.
export function addedConditions() {
  const fast = "down rate_bps=3000000";
  const added = (name, orders, steps = [], watchSeconds = 20) => ({ name, orders, steps, watchSeconds });
  return [
    added("jitter of 20 ms", ["both delay_ms=20", `${fast} jitter_ms=20`]),
    added("loss bursts of 3, 5 %", ["both delay_ms=20", `${fast} loss=0.05 burst=3`]),
    added(
      "3 Mbit/s, 500 kbit/s, 3 Mbit/s",
      ["both delay_ms=20", fast],
      [
        [8, "down rate_bps=500000"],
        [20, fast],
      ],
      32,
    ),
    added(
      "outage of 3 s",
      ["both delay_ms=20", fast],
      [
        [8, "down rate_bps=0"],
        [11, fast],
      ],
      24,
    ),
    added("1 Mbit/s, queue of 1 s", ["both delay_ms=20", "down rate_bps=1000000 queue_ms=1000"]),
    added("150 kbit/s", ["both delay_ms=20", "down rate_bps=150000"]),
  ];
}

// The relay's orders: loss and delay in both directions, the rate limit towards the viewer.
export function ordersFor({ loss, delayMs, rateBps, orders }) {
  if (orders) return orders;
  return [`both loss=${loss} delay_ms=${delayMs / 2}`, `down rate_bps=${rateBps ?? "none"}`];
}

export const LIFT = "down rate_bps=none";

export function nameOf({ loss, delayMs, rateBps, name }) {
  if (name) return name;
  return `${rateName(rateBps)}, ${delayMs} ms, ${loss * 100} % loss`;
}

export function rateName(rateBps) {
  if (rateBps === null) return "unlimited";
  return rateBps >= MBIT ? `${rateBps / MBIT} Mbit/s` : `${rateBps / 1000} kbit/s`;
}

const VIEWERS = [
  ["Chromium", "chromium"],
  ["str0m", "light"],
];

// The goals.
const FROZEN_PERCENT = 1;
const RECOVERY_MS = 10000;
const SLOW_HEIGHT = 180;

// What one viewer of a run saw.
function seen(run, who) {
  const { to, recoveredBy } = run.span;
  const { began, pictures, samples } = run[who];
  return {
    firstMs: pictures.length > 0 ? pictures[0][0] - began : null,
    ...(watched(pictures, began, to) ?? {}),
    ...traffic(samples, began, to),
    recoveredMs: recoveredBy === null ? null : recoveredMs(pictures, to, recoveredBy),
  };
}

function heightsOf({ heights }) {
  if (!heights) return "none";
  const parts = Object.entries(heights).sort(([one], [other]) => other - one);
  return parts.map(([height, share]) => `${height}: ${number(share * 100, 0)} %`).join(", ");
}

// In another unit; "-" for what was not measured.
function per(value, unit, decimals) {
  return number(value === null ? null : value / unit, decimals);
}

function row(run, [name, who]) {
  const { conditions } = run;
  const found = seen(run, who);
  const recovered = () => (found.recoveredMs === null ? "no" : per(found.recoveredMs, 1000));
  const { delayMs, loss } = conditions;
  const network = conditions.name
    ? [conditions.name, "", ""]
    : [rateName(conditions.rateBps), number(delayMs, 0), number(loss * 100, 0)];
  return [
    ...network,
    name,
    found.pictures ? number(found.frozenShare * 100, 1) : "100",
    number(found.longestGapMs, 0),
    heightsOf(found),
    number(found.settledMs / 1000),
    per(found.firstMs, 1000),
    number(found.pictures / (found.spanMs / 1000)),
    per(found.bitrateBps, 1000, 0),
    per(found.bytes, 1e6),
    number(found.roundTripMs, 0),
    conditions.lifts ? recovered() : "",
  ];
}

const HEAD = [
  "rate",
  "delay ms",
  "loss %",
  "viewer",
  "frozen %",
  "longest gap ms",
  "share of time at height",
  "settled s",
  "first picture s",
  "pictures/s",
  "kbit/s",
  "MB",
  "round trip ms",
  `${FULL_HEIGHT} again s`,
];

// [what, limit, [value of each viewer], whether all hold].
function goals(runs) {
  const rows = [];
  const add = (what, limit, found, text, holds) => {
    rows.push([what, limit, ...found.map(text), found.every(holds) ? "yes" : "no"]);
  };
  for (const run of runs) {
    const { loss, delayMs, rateBps, lifts } = run.conditions;
    const found = VIEWERS.map(([, who]) => seen(run, who));
    if (rateBps === null && loss === 0.05 && delayMs === 100) {
      const share = ({ frozenShare }) => (frozenShare ?? 1) * 100;
      const text = (one) => `${number(share(one))} %`;
      const few = (one) => share(one) < FROZEN_PERCENT;
      add(`frozen, ${nameOf(run.conditions)}`, `< ${FROZEN_PERCENT} %`, found, text, few);
    }
    if (!lifts || loss > 0) continue;
    const slow = ({ heights }) => heights?.[SLOW_HEIGHT] ?? 0;
    const low = (one) => `${number(slow(one) * 100, 0)} %`;
    const settled = (one) => one.lastHeight === SLOW_HEIGHT && one.frozenShare * 100 < FROZEN_PERCENT;
    const moves = `moving at ${SLOW_HEIGHT}, ${nameOf(run.conditions)}: time at it`;
    add(moves, "ends there", found, low, settled);
    const when = (one) => (one.recoveredMs === null ? "no" : `${number(one.recoveredMs / 1000)} s`);
    const back = (one) => one.recoveredMs !== null && one.recoveredMs <= RECOVERY_MS;
    const again = `back at ${FULL_HEIGHT} after the limit, ${nameOf(run.conditions)}`;
    add(again, `${RECOVERY_MS / 1000} s`, found, when, back);
  }
  return rows;
}

// measured: {date, machine, watchSeconds, recoverSeconds, runs, failures}.
export function report(measured) {
  const { date, machine, runs, failures, watchSeconds, recoverSeconds } = measured;
  const head = ["what", "limit", ...VIEWERS.map(([name]) => name), "holds"];
  const lines = [
    `Measured ${date} on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, ` +
      `${machine.kernel}; ${machine.chromium}; load average ${number(machine.load, 2)} at the end. ` +
      `${watchSeconds} s a condition, ${recoverSeconds} s after a limit went; frozen: longer than ` +
      `${FROZEN_MS} ms without a new picture.`,
    "### Goals",
    table(head, goals(runs)),
    "### All conditions",
    table(HEAD, runs.flatMap((run) => VIEWERS.map((viewer) => row(run, viewer)))),
  ];
  if (failures.length > 0) {
    lines.push(["Could not be measured:", "", ...failures.map((line) => `- ${line}`)].join("\n"));
  }
  return `${lines.join("\n\n")}\n`;
}

// A run in one line, for the progress.
export function summary(run) {
  const { down } = run.link;
  const viewers = VIEWERS.map(([name, who]) => {
    const found = seen(run, who);
    const { frozenShare, bitrateBps, recoveredMs: back } = found;
    const again = back === null ? "" : `, ${FULL_HEIGHT} again after ${number(back / 1000)} s`;
    const frozen = number(frozenShare * 100);
    const kbps = per(bitrateBps, 1000, 0);
    return `${name}: frozen ${frozen} %, ${heightsOf(found)}, ${kbps} kbit/s${again}`;
  });
  const drops = `link: ${down.offered} in, ${down.lost} lost, ${down.overflowed} overflowed`;
  return [...viewers, drops].join("; ");
}
