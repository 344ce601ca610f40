// What the camera page knows about its sending, and what to do next. Pure: no clock, no network, no
// camera. `step(state, event, now)` gives the next state and what has to be done; every time is in
// milliseconds of the caller's clock.
//
//   idle        nobody asked for anything
//   opening     the camera is asked for
//   connecting  a session is under way
//   live        the station gets the picture
//   waiting     it will be tried again by itself
//   refused     it will not: somebody has to do something first

import { waitMs } from "../app/backoff.js";

export const CONNECT_MS = 10000; // a session that is not connected after this has failed
export const LOST_MS = 2000; // a connection that is gone for this long is given up

export function initial() {
  return {
    name: "idle",
    reason: null, // why it waits or was refused: {kind, detail}
    attemptAt: null, // when the running attempt began
    lostAt: null, // since when a live connection is gone
    retryAt: null,
    failures: 0,
    camera: false, // whether the camera is open
  };
}

// Events: start, camera, no_camera {kind, detail}, connected, disconnected, failed, unreachable,
// answer {status, detail, retryAfterMs} (a refusal), take_over, online, stop, tick.
// Things to do: "look" (open the camera), "publish", "take_over" (publish in another's place),
// "leave", "dark" (close the camera), "forget" (the token was wrong).
export function step(state, event, now) {
  const handler = HANDLERS[event.type];
  const running = state.name !== "idle" && state.name !== "refused";
  if (!handler || (!running && event.type !== "start")) return { state, actions: [] };
  return handler(state, event, now);
}

const HANDLERS = {
  start: () => ({ state: { ...initial(), name: "opening" }, actions: ["look"] }),
  camera: (s, _, now) =>
    s.name === "opening" ? attempt({ ...s, camera: true }, now) : { state: s, actions: [] },
  no_camera: (s, { kind, detail }) => refuse(s, { kind, detail }),
  connected: (s) => ({
    state: { ...s, name: "live", reason: null, lostAt: null, retryAt: null, failures: 0 },
    actions: [],
  }),
  disconnected: (s, _, now) => ({
    state: s.name === "live" ? { ...s, lostAt: s.lostAt ?? now } : s,
    actions: [],
  }),
  failed: (s, _, now) => again(s, { kind: "lost" }, now),
  unreachable: (s, _, now) => again(s, { kind: "unreachable" }, now),
  answer: onRefusal,
  take_over: (s, _, now) =>
    s.name === "waiting" ? attempt(s, now, "take_over") : { state: s, actions: [] },
  online: (s, _, now) =>
    s.name === "waiting" ? attempt({ ...s, failures: 0 }, now) : { state: s, actions: [] },
  stop: () => ({ state: initial(), actions: ["leave", "dark"] }),
  tick: onTick,
};

function onTick(state, _, now) {
  if (state.name === "waiting" && now >= state.retryAt) return attempt(state, now);
  if (state.name === "connecting" && now - state.attemptAt >= CONNECT_MS) {
    return again(state, { kind: "lost" }, now);
  }
  if (state.name === "live" && state.lostAt !== null && now - state.lostAt >= LOST_MS) {
    return again(state, { kind: "lost" }, now);
  }
  return { state, actions: [] };
}

function onRefusal(state, { status, detail, retryAfterMs = 0 }, now) {
  if (status === 401 || status === 403) {
    const { state: next, actions } = refuse(state, { kind: "token" });
    return { state: next, actions: [...actions, "forget"] };
  }
  if (status === 409) return again(state, { kind: "occupied" }, now);
  if (status === 422) return refuse(state, { kind: "codec", detail });
  return again(state, { kind: "busy", detail }, now, retryAfterMs);
}

function attempt(state, now, how = "publish") {
  return {
    state: { ...state, name: "connecting", attemptAt: now, lostAt: null, retryAt: null },
    actions: [how],
  };
}

function again(state, reason, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const retryAt = now + waitMs(failures, askedForMs);
  return {
    state: { ...state, name: "waiting", reason, failures, retryAt, attemptAt: null, lostAt: null },
    actions: ["leave"],
  };
}

function refuse(state, reason) {
  return { state: { ...initial(), name: "refused", reason }, actions: ["leave", "dark"] };
}
