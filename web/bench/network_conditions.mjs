// The network conditions that are measured, and the goals of each. Pure.

const LOSSES = [0, 0.01, 0.05, 0.1];
const DELAYS_MS = [20, 100]; // of the round trip
const MBIT = 1_000_000;
const SLOW_BPS = 300_000;
const RATES_BPS = [null, MBIT, SLOW_BPS];

const WATCH_S = 20;
const QUICK_WATCH_S = 12;
const RECOVER_S = 12; // after a limit ends

export const CHROMIUM = "Chromium";
export const SECOND_CHROMIUM = "second Chromium";
export const LIGHT = "str0m";

// A condition:
// - name; viewers; isShared: whether they have one bottleneck, else each has its own;
// - orders: the relay's, before anybody joins; steps: [[seconds, order]] while the viewers watch, `watchSeconds` in all;
// - limitEnds: the second at which a limit goes, or null; judgedSeconds: how long frozen time counts;
// - rateBps and loss: of the narrowest time, for the height that fits; null where none is expected;
// - goals: [{figure, is, limit}], figures as in network_figures.mjs.
function condition(name, orders, goals, more = {}) {
  const watchSeconds = more.watchSeconds ?? WATCH_S;
  return {
    name,
    viewers: [CHROMIUM, LIGHT],
    isShared: false,
    orders,
    steps: [],
    watchSeconds,
    judgedSeconds: watchSeconds,
    limitEnds: null,
    rateBps: null,
    loss: 0,
    goals,
    ...more,
  };
}

const below = (figure, limit) => ({ figure, is: "below", limit });
const atMost = (figure, limit) => ({ figure, is: "at most", limit });
const atLeast = (figure, limit) => ({ figure, is: "at least", limit });

const FROZEN = below("frozenPercent", 1);
const BACK = atMost("backMs", 6000);

const UNLIMITED = "down rate_bps=none";

function gridCondition(loss, delayMs, rateBps, watchSeconds = WATCH_S) {
  const isSlow = rateBps === SLOW_BPS;
  // Both directions lose and delay; only what is sent to the viewer is limited.
  const orders = [`both loss=${loss} delay_ms=${delayMs / 2}`, `down rate_bps=${rateBps ?? "none"}`];
  const goals = [
    FROZEN,
    atMost("firstMs", isSlow ? 1500 : 1000),
    atMost("lateGapMs", 500),
    atMost("reachedMs", 5000),
    ...(isSlow ? [BACK] : []),
  ];
  const limit = isSlow && {
    steps: [[watchSeconds, UNLIMITED]],
    limitEnds: watchSeconds,
    judgedSeconds: watchSeconds,
    watchSeconds: watchSeconds + RECOVER_S,
  };
  const name = `${rateName(rateBps)}, ${delayMs} ms, ${loss * 100} % loss`;
  return condition(name, orders, goals, { watchSeconds, judgedSeconds: watchSeconds, ...limit, rateBps, loss });
}

function rateName(rateBps) {
  if (rateBps === null) return "unlimited";
  return rateBps >= MBIT ? `${rateBps / MBIT} Mbit/s` : `${rateBps / 1000} kbit/s`;
}

export function gridConditions() {
  return RATES_BPS.flatMap((rate) =>
    DELAYS_MS.flatMap((delay) => LOSSES.map((loss) => gridCondition(loss, delay, rate))),
  );
}

export function quickConditions() {
  const quick = (loss, delayMs, rateBps) => gridCondition(loss, delayMs, rateBps, QUICK_WATCH_S);
  return [quick(0, 20, null), quick(0.05, 100, null), quick(0, 20, SLOW_BPS)];
}

// Networks outside the grid, each with goals of its own.
export function addedConditions() {
  const delay = "both delay_ms=20";
  const fast = "down rate_bps=3000000";
  return [
    condition("jitter of 20 ms", [delay, `${fast} jitter_ms=20`], [FROZEN]),
    condition("loss bursts of 3, 5 %", [delay, `${fast} loss=0.05 burst=3`], [FROZEN]),
    condition("3 Mbit/s, 500 kbit/s, 3 Mbit/s", [delay, fast], [atMost("longestGapMs", 700), BACK], {
      steps: [
        [8, "down rate_bps=500000"],
        [20, fast],
      ],
      limitEnds: 20,
      watchSeconds: 32,
    }),
    condition("outage of 3 s", [delay, fast], [atMost("againMs", 1000), atMost("sessions", 1)], {
      steps: [
        [8, "down rate_bps=0"],
        [11, fast],
      ],
      limitEnds: 11,
      watchSeconds: 24,
    }),
    condition("two viewers behind 1.5 Mbit/s", [delay, "down rate_bps=1500000"], [FROZEN], {
      viewers: [CHROMIUM, SECOND_CHROMIUM],
      isShared: true,
    }),
    condition("1 Mbit/s, queue of 1 s", [delay, "down rate_bps=1000000 queue_ms=1000"], [below("queueMs", 500)]),
    condition("150 kbit/s", [delay, "down rate_bps=150000"], [atLeast("picturesPerS", 5)]),
  ];
}

// The station's default renditions.
const RENDITIONS = [
  { height: 720, bitrateBps: 1_500_000 },
  { height: 360, bitrateBps: 600_000 },
  { height: 180, bitrateBps: 200_000 },
];
export const FULL_HEIGHT = RENDITIONS[0].height;
const HEADERS_SHARE = 1.1; // of the media: headers, retransmissions, keyframes

// The height of the largest rendition that passes the condition with the source's pictures, `sourceBps` at full height;
// null where nothing is expected.
export function fittingHeight({ rateBps, loss, goals }, sourceBps) {
  if (!goals.some(({ figure }) => figure === "reachedMs")) return null;
  const carriedBps = (rateBps ?? Infinity) * (1 - loss);
  const fits = ({ bitrateBps }) => Math.min(bitrateBps, sourceBps) * HEADERS_SHARE <= carriedBps;
  return (RENDITIONS.find(fits) ?? RENDITIONS.at(-1)).height;
}
