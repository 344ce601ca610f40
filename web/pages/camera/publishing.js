// The state machine of the camera page. Pure: `step(state, event, now)` gives the next state and the actions to do;
// times are in milliseconds of the caller's clock.
//
//   idle        not sending
//   opening     the browser asks for the camera
//   connecting  a session is being opened
//   live        the station gets the picture
//   mending     the connection is lost; the session is kept, and ICE restarts look for another path
//   waiting     the next attempt is planned
//   refused     no further attempt: the user has to do something first

import { waitMs } from "../app/backoff.js";

export const CONNECT_MS = 10000; // a session that is not connected after this has failed
const SILENT_MS = 3000; // nothing received for this long: an ICE restart
const RENEW_EVERY_MS = 1000; // between two ICE restarts
export const RENEWED_MS = 2000; // an ICE restart that is not connected after this has failed
export const LOST_MS = 15000; // a connection that is lost for this long is given up

export function initial() {
  return {
    name: "idle",
    reason: null, // why it is waiting or refused: {kind, detail}
    attemptAt: null, // when the running attempt began
    receivedAt: null, // when something was last received from the station
    lostAt: null, // since when the connection is lost
    renewAt: null, // when the next ICE restart is due; null: none was tried
    renewedAt: null, // when the station answered the ICE restart
    retryAt: null,
    failures: 0,
    camera: false, // whether the camera is open
  };
}

// Events: start, camera, no_camera {kind, detail}, connected, received (RTCP or answers to connectivity checks:
// browsers take ten seconds to report that these stopped), disconnected, failed, unreachable, renewed and
// unrenewable (answers to an ICE restart), refused {status, detail, retryAfterMs}, take_over, online, stop, tick.
// Actions: "open_camera", "publish", "take_over" (publish in another's place), "renew" (an ICE restart: media goes on
// over the old path meanwhile), "leave", "close_camera", "forget" (the token was wrong).
export function step(state, event, now) {
  const handler = HANDLERS[event.type];
  const running = state.name !== "idle" && state.name !== "refused";
  if (!handler || (!running && event.type !== "start")) return { state, actions: [] };
  return handler(state, event, now);
}

const HANDLERS = {
  start: () => ({ state: { ...initial(), name: "opening" }, actions: ["open_camera"] }),
  camera: (s, _, now) =>
    s.name === "opening" ? attempt({ ...s, camera: true }, now) : same(s),
  no_camera: (s, { kind, detail }) => refuse(s, { kind, detail }),
  connected: (s, _, now) => same(live({ ...s, reason: null, retryAt: null, failures: 0 }, now)),
  received: (s, _, now) => same(hasSession(s) ? live(s, now) : s),
  disconnected: (s, _, now) => (s.name === "live" ? repair(s, now) : same(s)),
  failed: onFailed,
  unreachable: (s, _, now) => (hasSession(s) ? same(s) : retryLater(s, { kind: "unreachable" }, now)),
  renewed: (s, _, now) => same(s.name === "mending" ? { ...s, renewedAt: now } : s),
  unrenewable: (s, _, now) => (hasSession(s) ? retryLater(s, { kind: "lost" }, now) : same(s)),
  refused: onRefusal,
  take_over: (s, _, now) => (s.name === "waiting" ? attempt(s, now, "take_over") : same(s)),
  online: (s, _, now) => {
    if (hasSession(s)) return renew(s, now);
    return s.name === "waiting" ? attempt({ ...s, failures: 0 }, now) : same(s);
  },
  stop: () => ({ state: initial(), actions: ["leave", "close_camera"] }),
  tick: onTick,
};

function onTick(state, _, now) {
  if (state.name === "waiting" && now >= state.retryAt) return attempt(state, now);
  if (state.name === "connecting" && now - state.attemptAt >= CONNECT_MS) {
    return retryLater(state, { kind: "lost" }, now);
  }
  if (state.name === "live" && now - state.receivedAt >= SILENT_MS) return repair(state, now);
  return state.name === "mending" ? onMendingTick(state, now) : same(state);
}

// Restarts ICE until the station answers; opens a new session when an ICE restart does not connect, or when the
// connection has been lost for too long.
function onMendingTick(state, now) {
  const gone = state.renewedAt !== null && now - state.renewedAt >= RENEWED_MS;
  if (gone || now - state.lostAt >= LOST_MS) return retryLater(state, { kind: "lost" }, now);
  return state.renewedAt === null && now >= state.renewAt ? renew(state, now) : same(state);
}

// ICE fails before the session is given up.
function onFailed(state, _, now) {
  if (state.name === "live") return repair(state, now);
  return state.name === "mending" ? same(state) : retryLater(state, { kind: "lost" }, now);
}

const NOT_LOST = { lostAt: null, renewAt: null, renewedAt: null };

function live(state, now) {
  return { ...state, ...NOT_LOST, name: "live", receivedAt: now };
}

function hasSession(state) {
  return state.name === "live" || state.name === "mending";
}

function repair(state, now) {
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
  if (status === 409) return retryLater(state, { kind: "occupied" }, now);
  if (status === 422) return refuse(state, { kind: "codec", detail });
  return retryLater(state, { kind: "busy", detail }, now, retryAfterMs);
}

function attempt(state, now, how = "publish") {
  return {
    state: { ...state, ...NOT_LOST, name: "connecting", attemptAt: now, retryAt: null },
    actions: [how],
  };
}

function retryLater(state, reason, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const retryAt = now + waitMs(failures, askedForMs);
  return {
    state: { ...state, ...NOT_LOST, name: "waiting", reason, failures, retryAt, attemptAt: null },
    actions: ["leave"],
  };
}

function refuse(state, reason) {
  return { state: { ...initial(), name: "refused", reason }, actions: ["leave", "close_camera"] };
}
