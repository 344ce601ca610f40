// The state machine of the viewer's connection. Pure: `step(state, event, now)` gives the next state and the
// actions to do; times are in milliseconds of the caller's clock.
//
//   connecting    the first attempt, no picture yet
//   live          pictures arrive by WebRTC
//   reconnecting  pictures stopped, or the station cannot be reached
//   fallback      the station answers but no WebRTC picture came: /stream.mjpg is shown, WebRTC is still tried
//   asleep        the page has been hidden for a while: disconnected

import { waitMs } from "./backoff.js";

const REPORT_AFTER_MS = 2500; // no picture: the viewer is told
const RENEW_AFTER_MS = 800; // no picture, no packets: an ICE restart
const RENEW_DESPITE_PACKETS_MS = 4000; // no picture although packets arrive: an ICE restart
const RENEW_AFTER_VISIBLE_MS = 300; // no picture on a page that was hidden: an ICE restart
const RENEW_EVERY_MS = 1000; // between two ICE restarts
const RENEWED_MS = 3000; // no picture after an ICE restart: a new session
const FALLBACK_AFTER_MS = 5000; // no picture: the simple stream
const ATTEMPT_MS = 5000; // no picture: the attempt has failed
const SLEEP_AFTER_MS = 30000; // hidden: disconnects
const RESTART_MS = 60000; // a restart that takes longer is a station that cannot be reached

// No valid token; too many viewers from this address; too many viewers in all.
const REFUSALS = [401, 429, 503];

export function initial() {
  return {
    name: "connecting",
    webrtc: true, // false: the browser has no WebRTC or no H.264
    pictureAt: null, // when the last WebRTC picture came
    packetsAt: null, // when packets last arrived without a picture
    picturelessSince: null,
    attemptAt: null, // when the running attempt began
    retryAt: null, // when the next attempt is due
    session: false, // whether this session has shown a picture
    renewAt: null, // when the next ICE restart is due
    renewedAt: null, // when the station answered the ICE restart
    failures: 0, // attempts in a row that ended without a picture
    reachable: null, // whether the station answered when last asked
    probed: false, // whether the station was asked since the picture stalled
    hiddenSince: null,
    refused: null, // the status of REFUSALS that the station answered with
    restartingSince: null, // when the station said that it restarts
  };
}

// Events: start, tick, picture, packets (arrived without a picture), answered, refused {status, retryAfterMs},
// unreachable, reached, stopping (the station, which said so), restarted (the station), ended (by the station), renewed and unrenewable (answers to an ICE restart), failed,
// disconnected, unsupported, simple_failed, online, offline, hidden, visible, restored.
// Actions: "open" (a new session; ends the current one), "close", "probe" (ask for the status now), "renew" (an
// ICE restart: media goes on over the old path meanwhile).
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
      ...NO_ATTEMPT,
      session: true,
      failures: 0,
      reachable: true,
      probed: false,
      refused: null,
      restartingSince: null,
    }),
  // A slow network delivers packets: an ICE restart would only cost a keyframe.
  packets: (s, _, now) => same({ ...s, packetsAt: now }),
  answered: (s) => same({ ...s, reachable: true, refused: null }),
  refused: (s, event, now) =>
    retryLater(
      { ...s, reachable: true, refused: REFUSALS.includes(event.status) ? event.status : null },
      now,
      event.retryAfterMs,
    ),
  unreachable: onUnreachable,
  reached: onReached,
  stopping: onStopping,
  restarted: (s, _, now) => reopen({ ...s, ...BACK, picturelessSince: now }, now),
  // The status says whether it restarts.
  ended: (s) => probe(s),
  renewed: (s, _, now) => same({ ...s, renewedAt: now, reachable: true }),
  unrenewable: (s, _, now) => reopen({ ...s, reachable: true }, now),
  failed: onFailed,
  // ICE also reports "disconnected" for short gaps.
  disconnected: (s, _, now) => (isStalled(s, now) ? repair(s, now) : same(s)),
  unsupported: (s, _, now) => close(s, now, { webrtc: false, name: "fallback" }),
  simple_failed: (s) =>
    s.name === "fallback" ? probe({ ...s, name: "reconnecting", reachable: false }) : same(s),
  online: (s, _, now) => (s.session ? renew(s, now) : reopen({ ...s, failures: 0 }, now)),
  offline: (s) => probe(s),
  hidden: (s, _, now) => same({ ...s, hiddenSince: s.hiddenSince ?? now }),
  visible: onVisible,
  // The connections of a page from the back/forward cache are closed.
  restored: (s, _, now) =>
    reopen({ ...s, name: s.name === "asleep" ? "reconnecting" : s.name, hiddenSince: null }, now),
};

function onTick(state, _, now) {
  if (state.hiddenSince !== null) {
    // A hidden page gets no frame callbacks, so missing pictures mean nothing.
    return now - state.hiddenSince < SLEEP_AFTER_MS ? same(state) : close(state, now, { name: "asleep" });
  }
  if (state.session) return isStalled(state, now) ? repair(state, now) : same(state);
  let next = same(state);
  if (state.attemptAt !== null && now - state.attemptAt >= ATTEMPT_MS) next = retryLater(state, now);
  else if (state.retryAt !== null && now >= state.retryAt) next = open(state, now);
  return chooseFallback(next, now);
}

function onVisible(state, _, now) {
  const awake = { ...state, hiddenSince: null };
  if (state.name === "asleep") return reopen({ ...awake, name: "reconnecting" }, now);
  // The time while hidden does not count, but pictures must arrive soon now.
  if (state.session) {
    return same({ ...awake, pictureAt: now - RENEW_AFTER_MS + RENEW_AFTER_VISIBLE_MS, probed: false });
  }
  return reopen({ ...awake, failures: 0 }, now);
}

function onFailed(state, _, now) {
  if (isStalled(state, now)) return repair(state, now);
  return state.session ? reopen(state, now) : retryLater(state, now);
}

function onUnreachable(state, _, now) {
  const gone = { ...state, reachable: false };
  if (gone.restartingSince !== null && now - gone.restartingSince >= RESTART_MS) gone.restartingSince = null;
  // The session may go on when the network is back.
  if (state.session) return same(isStalled(state, now) ? withoutPicture(gone, now) : gone);
  return chooseFallback(state.attemptAt === null ? same(gone) : retryLater(gone, now), now);
}

// No attempt is made until the station answers again.
function onStopping(state, _, now) {
  if (state.restartingSince !== null) return same(state);
  const restarting = { restartingSince: now, reachable: false, refused: null };
  return close(state, now, { ...restarting, name: "reconnecting" });
}

const BACK = { reachable: true, failures: 0, restartingSince: null };

function onReached(state, _, now) {
  const back = { ...state, reachable: true, restartingSince: null };
  if (state.session && isStalled(state, now)) {
    return state.renewedAt === null && state.reachable === false ? renew(back, now) : same(back);
  }
  if (state.reachable !== false || state.name === "live") return same(back);
  return reopen({ ...back, ...BACK, picturelessSince: now }, now);
}

function isStalled(state, now) {
  const still = now - state.pictureAt;
  const silent = now - Math.max(state.pictureAt, state.packetsAt ?? state.pictureAt);
  return state.session && (silent >= RENEW_AFTER_MS || still >= RENEW_DESPITE_PACKETS_MS);
}

// Pictures have stopped: restarts ICE, and opens a new session when that brings no picture either.
function repair(state, now) {
  const still = now - state.pictureAt;
  const next = still >= REPORT_AFTER_MS ? withoutPicture(state, now) : state;
  if (next.renewedAt !== null) {
    return now - next.renewedAt >= RENEWED_MS ? reopen(next, now) : same(next);
  }
  if (next.renewAt !== null && now < next.renewAt) return same(next);
  const asked = renew({ ...next, probed: true }, now);
  return next.probed ? asked : { ...asked, actions: ["probe", ...asked.actions] };
}

function renew(state, now) {
  return { state: { ...state, renewAt: now + RENEW_EVERY_MS, renewedAt: null }, actions: ["renew"] };
}

const NO_SESSION = { session: false, renewAt: null, renewedAt: null };
const NO_ATTEMPT = { ...NO_SESSION, attemptAt: null, retryAt: null };

function reopen(state, now) {
  if (!state.webrtc) return chooseFallback(same(state), now);
  return open(withoutPicture(state, now), now);
}

function retryLater(state, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const retryAt = state.webrtc ? now + waitMs(failures, askedForMs) : null;
  return close(state, now, { failures, retryAt });
}

function close(state, now, change) {
  return { state: { ...withoutPicture(state, now), ...NO_ATTEMPT, ...change }, actions: ["close"] };
}

function open(state, now) {
  return { state: { ...state, ...NO_SESSION, attemptAt: now, retryAt: null }, actions: ["open"] };
}

function withoutPicture(state, now) {
  return {
    ...state,
    name: state.name === "live" ? "reconnecting" : state.name,
    picturelessSince: state.picturelessSince ?? now,
  };
}

// Chooses between the simple stream and the message that the station cannot be reached. A refused viewer would not get
// the simple stream either.
function chooseFallback({ state, actions }, now) {
  const pictureless = now - (state.picturelessSince ?? now) >= FALLBACK_AFTER_MS;
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
