// The networks that are measured, and the relay's orders for them. Pure.

const LOSSES = [0, 0.01, 0.05, 0.1];
// Of the round trip; half of it each way.
const DELAYS_MS = [20, 100];
const MBIT = 1_000_000;
const SLOW_BPS = 300_000;
const RATES_BPS = [null, MBIT, SLOW_BPS];

// lifts: the limit goes in the end.
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

// Loss and delay in both directions; the rate on the way to the viewer.
export function ordersFor({ loss, delayMs, rateBps }) {
  return [`both loss=${loss} delay_ms=${delayMs / 2}`, `down rate_bps=${rateBps ?? "none"}`];
}

export const LIFT = "down rate_bps=none";

export function nameOf({ loss, delayMs, rateBps }) {
  return `${rateName(rateBps)}, ${delayMs} ms, ${loss * 100} % loss`;
}

export function rateName(rateBps) {
  if (rateBps === null) return "unlimited";
  return rateBps >= MBIT ? `${rateBps / MBIT} Mbit/s` : `${rateBps / 1000} kbit/s`;
}
