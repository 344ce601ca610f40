// The state machine of the page: signed out or in. Pure: `step(state, event, now)` gives the next state and the
// actions to do; times are in milliseconds of the caller's clock.
//
//   asking   a session may be open from an earlier visit: the station is asked
//   out      the form for the token
//   in       the control page

import { waitMs } from "../app/backoff.js";

export function initial() {
  return {
    phase: "asking",
    reason: null, // why the form is shown: wrong, limited, unreachable, refused, expired, left, everywhere
    busy: false, // a token is being checked
    detail: "", // what the station said about a refused token
    waitUntil: null, // when the next token may be tried, or the station is asked again
    failures: 0, // requests in a row that the station did not answer
  };
}

// Events: start {hasToken, remembered}, token, answered {status, retryAfterMs, detail}, tick, unauthorised,
// left {everywhere}. Actions: "ask" (whether a session is open), "log_in", "enter", "leave".
export function step(state, event, now) {
  return HANDLERS[event.type]?.(state, event, now) ?? { state, actions: [] };
}

const HANDLERS = {
  start(state, { hasToken, remembered }) {
    if (hasToken) return logIn(state);
    if (remembered) return act(state, "ask");
    return act({ ...state, phase: "out" });
  },
  token: (state, _, now) => (state.busy || remainingMs(state, now) > 0 ? null : logIn(state)),
  answered(state, { status, retryAfterMs = 0, detail = "" }, now) {
    if (status >= 200 && status < 300) return act({ ...initial(), phase: "in" }, "enter");
    const isGone = status === 0 || status >= 500;
    const failures = isGone ? state.failures + 1 : 0;
    const next = { ...state, busy: false, failures, detail: "", waitUntil: null };
    if (state.phase === "asking") {
      if (status === 401) return act({ ...next, phase: "out", reason: "expired" }, "leave");
      return act({ ...next, reason: "unreachable", waitUntil: now + waitMs(Math.max(failures, 1), retryAfterMs) });
    }
    if (status === 429) return act({ ...next, reason: "limited", waitUntil: now + Math.max(retryAfterMs, 1000) });
    if (isGone) return act({ ...next, reason: "unreachable" });
    return act({ ...next, reason: status === 401 ? "wrong" : "refused", detail: status === 401 ? "" : detail });
  },
  tick(state, _, now) {
    if (state.waitUntil === null || remainingMs(state, now) > 0) return null;
    const next = { ...state, waitUntil: null };
    if (state.phase === "asking") return act(next, "ask");
    return act({ ...next, reason: null });
  },
  unauthorised: (state) => (state.phase === "in" ? out("expired") : null),
  left: (state, { everywhere }) => (state.phase === "in" ? out(everywhere ? "everywhere" : "left") : null),
};

// How long no other token may be tried.
export function remainingMs(state, now) {
  return state.waitUntil === null ? 0 : Math.max(state.waitUntil - now, 0);
}

function logIn(state) {
  return act({ ...state, phase: "out", busy: true, reason: null, waitUntil: null }, "log_in");
}

function out(reason) {
  return act({ ...initial(), phase: "out", reason }, "leave");
}

function act(state, ...actions) {
  return { state, actions };
}

// The token of the address's fragment (#token=...), or null.
export function tokenOf(hash) {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token")?.trim() || null;
}
