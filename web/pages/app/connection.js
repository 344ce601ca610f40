// What the viewer knows about its connection, and what to do next. Pure: no clock, no network.
// `step(state, event, now)` gives the next state and what has to be done; every time is in
// milliseconds of the caller's clock.
//
//   connecting    the first attempt, no picture yet
//   live          pictures arrive by WebRTC
//   reconnecting  pictures stopped, or the station cannot be reached
//   fallback      the station answers but no WebRTC picture came: /stream.mjpg is shown,
//                 WebRTC is still tried
//   asleep        nobody looks at this page: the station need not encode for it

import { waitMs } from "./backoff.js";

export const STALLED_MS = 2500; // no picture for this long: the viewer is told
export const SUSPECT_MS = 800; // no picture for this long: look for another way to the station
export const DEAF_MS = 4000; // no picture for this long although packets come: the same
export const LOOK_MS = 300; // the same for a page that was just taken up again
export const RENEW_EVERY_MS = 1000; // between asking for a new path and asking again
export const RENEWED_MS = 2000; // a new path that shows nothing for this long is none
export const PICTURELESS_MS = 5000; // this long without a picture: the simple stream instead
export const ATTEMPT_MS = 5000; // an attempt that shows nothing for this long has failed
export const SLEEP_AFTER_MS = 30000; // hidden for this long: leave

// No token, as many viewers from here as there may be, as many as there may be at all.
const DOOR_STATUSES = [401, 429, 503];

export function initial() {
  return {
    name: "connecting",
    webrtc: true, // false once the browser turned out to have no WebRTC or no H.264
    pictureAt: null, // when the last WebRTC picture came
    heardAt: null, // when packets last came without making a picture
    picturelessSince: null, // since when the viewer has been without one
    attemptAt: null, // when the running attempt began; null: none is running
    retryAt: null, // when the next attempt is due; null: none is planned
    session: false, // a picture came in this session: it can be renewed
    renewAt: null, // when to ask for a new path again; null: not asked yet
    renewedAt: null, // when the station agreed to one; null: it has not
    failures: 0, // attempts in a row that ended without a picture
    reachable: null, // whether the station answered when last asked
    suspected: false, // this stall was already asked about
    hiddenSince: null,
    refused: null, // with which of DOOR_STATUSES the station did not let us in
  };
}

// Events: start, tick, picture, heard, answered, refused {status, retryAfterMs}, unreachable, reached,
// restarted, renewed, unrenewable, failed, disconnected, unsupported, simple_failed, online,
// offline, hidden, visible, restored.
// Things to do: "open" (a new attempt, ending any running one), "close", "probe" (ask now), "renew"
// (a new path for the running session: what still comes by the old one goes on meanwhile).
export function step(state, event, now) {
  const handler = HANDLERS[event.type];
  if (!handler) return same(state);
  if (state.name === "asleep" && !WAKES.has(event.type)) return same(state);
  return handler(state, event, now);
}

const WAKES = new Set(["visible", "restored", "hidden"]);

const HANDLERS = {
  start: (s, _, now) => open({ ...s, picturelessSince: now }, now),
  tick: onTick,
  picture: (s, _, now) =>
    same({
      ...s,
      name: "live",
      pictureAt: now,
      picturelessSince: null,
      session: true,
      renewAt: null,
      renewedAt: null,
      attemptAt: null,
      retryAt: null,
      failures: 0,
      reachable: true,
      suspected: false,
      refused: null,
    }),
  // A slow network is no dead one: a new path would only cost it another keyframe.
  heard: (s, _, now) => same({ ...s, heardAt: now }),
  answered: (s) => same({ ...s, reachable: true, refused: null }),
  refused: (s, event, now) =>
    lose({ ...s, reachable: true, refused: door(event.status) }, now, event.retryAfterMs ?? 0),
  unreachable: onUnreachable,
  reached: onReached,
  restarted: (s, _, now) => again(s, now),
  renewed: (s, _, now) => same({ ...s, renewedAt: now, reachable: true }),
  unrenewable: (s, _, now) => again({ ...s, reachable: true }, now),
  failed: onFailed,
  // ICE says "disconnected" on a hiccup too; pictures that still flow know better.
  disconnected: (s, _, now) => (isStill(s, now) ? mend(s, now) : same(s)),
  unsupported: onUnsupported,
  simple_failed: (s) =>
    s.name === "fallback" ? probe({ ...s, name: "reconnecting", reachable: false }) : same(s),
  online: (s, _, now) => (s.session ? renew(s, now) : again({ ...s, failures: 0 }, now)),
  offline: (s) => probe(s),
  hidden: (s, _, now) => same({ ...s, hiddenSince: s.hiddenSince ?? now }),
  visible: onVisible,
  // A page out of the back/forward cache has only dead connections.
  restored: (s, _, now) =>
    again({ ...s, name: s.name === "asleep" ? "reconnecting" : s.name, hiddenSince: null }, now),
};

function onTick(state, _, now) {
  if (state.hiddenSince !== null) return onHiddenTick(state, now);
  if (state.session) return isStill(state, now) ? mend(state, now) : same(state);
  if (state.attemptAt !== null && now - state.attemptAt >= ATTEMPT_MS) {
    return settle(lose(state, now), now);
  }
  if (state.retryAt !== null && now >= state.retryAt) return settle(open(state, now), now);
  return settle(same(state), now);
}

// A hidden page gets no frame callbacks, so silence means nothing there.
function onHiddenTick(state, now) {
  if (now - state.hiddenSince < SLEEP_AFTER_MS) return same(state);
  return {
    state: { ...lost(state, now), ...NO_SESSION, name: "asleep", attemptAt: null, retryAt: null },
    actions: ["close"],
  };
}

function onVisible(state, _, now) {
  const awake = { ...state, hiddenSince: null };
  if (state.name === "asleep") return again({ ...awake, name: "reconnecting" }, now);
  // The silence while hidden does not count, but pictures must come at once now.
  if (state.session) {
    return same({ ...awake, pictureAt: now - SUSPECT_MS + LOOK_MS, suspected: false });
  }
  return again({ ...awake, failures: 0 }, now);
}

function onUnsupported(state, _, now) {
  const without = { ...lost(state, now), ...NO_SESSION, webrtc: false };
  const next = { ...without, attemptAt: null, retryAt: null, name: "fallback" };
  return { state: next, actions: ["close"] };
}

// ICE gives up on a dead path sooner than we on the session: a new path is asked for already.
function onFailed(state, _, now) {
  if (isStill(state, now)) return mend(state, now);
  return state.session ? again(state, now) : lose(state, now);
}

function onUnreachable(state, _, now) {
  const gone = { ...state, reachable: false };
  // The session is kept: the network that took the station away may bring it back.
  if (state.session) return same(isStill(state, now) ? lost(gone, now) : gone);
  return settle(state.attemptAt === null ? same(gone) : lose(gone, now), now);
}

function onReached(state, _, now) {
  const back = { ...state, reachable: true };
  if (state.session && isStill(state, now)) {
    return state.renewedAt === null && state.reachable === false ? renew(back, now) : same(back);
  }
  if (state.reachable !== false || state.name === "live") return same(back);
  // It is there again: no reason to sit out the rest of the wait.
  return again({ ...back, failures: 0, picturelessSince: now }, now);
}

function isStill(state, now) {
  const still = now - state.pictureAt;
  const silent = now - Math.max(state.pictureAt, state.heardAt ?? state.pictureAt);
  return state.session && (silent >= SUSPECT_MS || still >= DEAF_MS);
}

// Pictures of a known session have stopped: asks for a new path as long as the station knows the
// session, and makes a new one when it does not or when the new path shows nothing either.
function mend(state, now) {
  const still = now - state.pictureAt;
  const next = still >= STALLED_MS ? lost(state, now) : state;
  if (next.renewedAt !== null) {
    return now - next.renewedAt >= RENEWED_MS ? again(next, now) : same(next);
  }
  if (next.renewAt !== null && now < next.renewAt) return same(next);
  const asked = renew({ ...next, suspected: true }, now);
  return next.suspected ? asked : { ...asked, actions: ["probe", ...asked.actions] };
}

function renew(state, now) {
  const next = { ...state, renewAt: now + RENEW_EVERY_MS, renewedAt: null };
  return { state: next, actions: ["renew"] };
}

const NO_SESSION = { session: false, renewAt: null, renewedAt: null };

// Gives up what runs and tries again at once.
function again(state, now) {
  if (!state.webrtc) return settle(same(state), now);
  return open(lost(state, now), now);
}

// Gives up what runs and plans the next attempt.
function lose(state, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const next = { ...lost(state, now), ...NO_SESSION, failures, attemptAt: null };
  next.retryAt = state.webrtc ? now + waitMs(failures, askedForMs) : null;
  return { state: next, actions: ["close"] };
}

function open(state, now) {
  return { state: { ...state, ...NO_SESSION, attemptAt: now, retryAt: null }, actions: ["open"] };
}

function lost(state, now) {
  return {
    ...state,
    name: state.name === "live" ? "reconnecting" : state.name,
    picturelessSince: state.picturelessSince ?? now,
  };
}

function door(status) {
  return DOOR_STATUSES.includes(status) ? status : null;
}

// Chooses between the simple stream and saying that the station is away. Whoever is not let in
// would not get the simple stream either.
function settle({ state, actions }, now) {
  const pictureless = now - (state.picturelessSince ?? now) >= PICTURELESS_MS;
  let name = state.name;
  if (state.reachable === false && name !== "reconnecting") name = "reconnecting";
  else if (state.reachable && !state.refused && (pictureless || !state.webrtc)) name = "fallback";
  return { state: { ...state, name }, actions };
}

function probe(state) {
  return { state, actions: ["probe"] };
}

function same(state) {
  return { state, actions: [] };
}
