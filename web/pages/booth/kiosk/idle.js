// Whether the visitor of a shared device has left. Pure: `step(state, event, now)` gives the next state; times are in
// milliseconds of a clock that also runs while the device sleeps.

export const IDLE_MS = 30000; // without input for this long, the next visitor's turn begins
export const WORKING_MS = 180000; // while a picture is made, people wait without touching anything
export const WARNING_MS = 10000; // before the end, the page says so

const WORKING = ["sending", "waiting", "fetching"];

export const initial = { limitMs: null, touchedAt: 0 };

// Events: screen {name} (of visit.js), touched.
export function step(state, { type, name }, now) {
  if (type === "touched") return { ...state, touchedAt: now };
  if (name === "photo") return initial;
  return { limitMs: WORKING.includes(name) ? WORKING_MS : IDLE_MS, touchedAt: now };
}

// Until the next visitor's turn; Infinity while nobody's is.
export function leftMs({ limitMs, touchedAt }, now) {
  return limitMs === null ? Infinity : Math.max(touchedAt + limitMs - now, 0);
}
