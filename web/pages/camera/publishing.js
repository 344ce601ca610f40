// What the camera page knows about its sending, and what to do next. Pure: no clock, no network, no
// camera. `step(state, event, now)` gives the next state and what has to be done; every time is in
// milliseconds of the caller's clock.
//
//   idle        nobody asked for anything
//   opening     the camera is asked for
//   connecting  a session is under way
//   live        the station gets the picture
//   mending     the connection is gone; the session is kept, and another path to the station looked for
//   waiting     it will be tried again by itself
//   refused     it will not: somebody has to do something first

import { waitMs } from "../app/backoff.js";

export const CONNECT_MS = 10000; // a session that is not connected after this has failed
export const DEAF_MS = 3000; // nothing came back for this long: look for another way to the station
export const RENEW_EVERY_MS = 1000; // between asking for a new path and asking again
export const RENEWED_MS = 2000; // a new path that is not connected after this is none
export const LOST_MS = 15000; // a connection that is gone for this long is given up

export function initial() {
  return {
    name: "idle",
    reason: null, // why it waits or was refused: {kind, detail}
    attemptAt: null, // when the running attempt began
    heardAt: null, // when the browser last noticed something of the station
    lostAt: null, // since when the connection is gone
    renewAt: null, // when to ask for a new path again; null: not asked yet
    renewedAt: null, // when the station agreed to one; null: it has not
    retryAt: null,
    failures: 0,
    camera: false, // whether the camera is open
  };
}

// Events: start, camera, no_camera {kind, detail}, connected, heard (reports of the station, answers
// to checks: browsers take ten seconds to say that these stopped), disconnected, failed, unreachable,
// renewed, unrenewable, answer {status, detail, retryAfterMs} (a refusal), take_over, online, stop,
// tick.
// Things to do: "look" (open the camera), "publish", "take_over" (publish in another's place),
// "renew" (a new path for the running session: what still goes by the old one goes on meanwhile),
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
    s.name === "opening" ? attempt({ ...s, camera: true }, now) : same(s),
  no_camera: (s, { kind, detail }) => refuse(s, { kind, detail }),
  connected: (s, _, now) => same(live({ ...s, reason: null, retryAt: null, failures: 0 }, now)),
  heard: (s, _, now) => same(hasSession(s) ? live(s, now) : s),
  disconnected: (s, _, now) => (s.name === "live" ? mend(s, now) : same(s)),
  failed: onFailed,
  unreachable: (s, _, now) => (hasSession(s) ? same(s) : again(s, { kind: "unreachable" }, now)),
  renewed: (s, _, now) => same(s.name === "mending" ? { ...s, renewedAt: now } : s),
  unrenewable: (s, _, now) => (hasSession(s) ? again(s, { kind: "lost" }, now) : same(s)),
  answer: onRefusal,
  take_over: (s, _, now) => (s.name === "waiting" ? attempt(s, now, "take_over") : same(s)),
  online: (s, _, now) => {
    if (hasSession(s)) return renew(s, now);
    return s.name === "waiting" ? attempt({ ...s, failures: 0 }, now) : same(s);
  },
  stop: () => ({ state: initial(), actions: ["leave", "dark"] }),
  tick: onTick,
};

function onTick(state, _, now) {
  if (state.name === "waiting" && now >= state.retryAt) return attempt(state, now);
  if (state.name === "connecting" && now - state.attemptAt >= CONNECT_MS) {
    return again(state, { kind: "lost" }, now);
  }
  if (state.name === "live" && now - state.heardAt >= DEAF_MS) return mend(state, now);
  return state.name === "mending" ? onMendingTick(state, now) : same(state);
}

// Asks for a new path until the station agrees to one; a new session when it leads nowhere, or when
// the station does not answer for longer than anybody looks at a frozen picture.
function onMendingTick(state, now) {
  const gone = state.renewedAt !== null && now - state.renewedAt >= RENEWED_MS;
  if (gone || now - state.lostAt >= LOST_MS) return again(state, { kind: "lost" }, now);
  return state.renewedAt === null && now >= state.renewAt ? renew(state, now) : same(state);
}

// ICE gives up on a dead path sooner than we on the session.
function onFailed(state, _, now) {
  if (state.name === "live") return mend(state, now);
  return state.name === "mending" ? same(state) : again(state, { kind: "lost" }, now);
}

const WHOLE = { lostAt: null, renewAt: null, renewedAt: null };

function live(state, now) {
  return { ...state, ...WHOLE, name: "live", heardAt: now };
}

function hasSession(state) {
  return state.name === "live" || state.name === "mending";
}

function mend(state, now) {
  return renew({ ...state, name: "mending", lostAt: now }, now);
}

function renew(state, now) {
  return {
    state: { ...state, renewAt: now + RENEW_EVERY_MS, renewedAt: null },
    actions: ["renew"],
  };
}

function same(state) {
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
    state: { ...state, ...WHOLE, name: "connecting", attemptAt: now, retryAt: null },
    actions: [how],
  };
}

function again(state, reason, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const retryAt = now + waitMs(failures, askedForMs);
  return {
    state: { ...state, ...WHOLE, name: "waiting", reason, failures, retryAt, attemptAt: null },
    actions: ["leave"],
  };
}

function refuse(state, reason) {
  return { state: { ...initial(), name: "refused", reason }, actions: ["leave", "dark"] };
}
