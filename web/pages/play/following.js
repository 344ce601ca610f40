// How the page follows the games: by server-sent events, else by asking every five seconds. Pure: `step(state, event, now)`
// gives the next state and the actions to do; times are in milliseconds of the caller's clock.

import { doubled, waitMs } from "../app/backoff.js";

export const POLL_MS = 5000;
export const OPENING_MS = 10000; // a stream that brings nothing for so long is given up
export const SILENT_MS = 30000; // an open one is checked by a request
const OFF_MS = 30000; // until a station without games is asked again
const STREAM_LONGEST_MS = 60000;

export function initial() {
  return {
    link: "connecting", // connecting, well, again (lost), off (no games), refused (no right to watch)
    stream: "closed", // closed, opening, open
    openedAt: null,
    streamAt: null, // when the next stream is opened
    streamFailures: 0, // in a row
    pollAt: null, // when the state is asked for
    pollFailures: 0, // in a row
    isAsking: false,
    isHidden: false,
    heardAt: null, // when the station last said anything
  };
}

// Events: start, heard (a state by the stream), stream_failed, polled {status, retryAfterMs, isNews}, tick, online, hidden,
// visible. `isNews`: the answer differs from what the stream said last.
// Actions: "open" and "close" (the stream), "ask" (for the state).
export function step(state, event, now) {
  return HANDLERS[event.type]?.(state, event, now) ?? { state, actions: [] };
}

const HANDLERS = {
  start: (s, _, now) => open(s, now),
  heard: (s, _, now) => act({ ...s, ...WELL, stream: "open", streamFailures: 0, pollAt: null, heardAt: now }),
  stream_failed: (s, _, now) => (s.stream === "closed" ? null : failed(s, now)),
  polled: onPolled,
  tick: onTick,
  online: (s, _, now) => (s.isHidden ? null : open({ ...s, streamFailures: 0, pollFailures: 0 }, now)),
  hidden: (s) => act({ ...s, isHidden: true, stream: "closed", streamAt: null, pollAt: null }, "close"),
  visible: (s, _, now) => (s.isHidden ? open({ ...s, isHidden: false }, now) : null),
};

const WELL = { link: "well", pollFailures: 0 };

function open(state, now) {
  return act({ ...state, stream: "opening", openedAt: now, streamAt: null }, "open");
}

// The state is asked for meanwhile.
function failed(state, now) {
  const streamFailures = state.streamFailures + 1;
  const next = {
    ...state,
    stream: "closed",
    streamFailures,
    streamAt: now + doubled(streamFailures, STREAM_LONGEST_MS),
    pollAt: state.pollAt ?? now,
    link: state.stream === "open" ? "again" : state.link,
  };
  return act(next, "close");
}

function onPolled(state, { status, retryAfterMs = 0, isNews = false }, now) {
  const s = { ...state, isAsking: false };
  if (s.isHidden) return act(s);
  if (status === 200) {
    const next = { ...s, ...WELL, heardAt: now };
    if (s.stream === "open" && isNews) return heldBack(next, now);
    const isBack = s.stream === "closed" && s.link !== "well" && s.link !== "connecting";
    return act({ ...next, pollAt: s.stream === "open" ? null : now + POLL_MS, streamAt: isBack ? now : s.streamAt });
  }
  if ([401, 403, 404].includes(status)) {
    const link = status === 404 ? "off" : "refused";
    return act({ ...s, link, stream: "closed", streamAt: null, pollAt: now + OFF_MS }, "close");
  }
  const pollFailures = s.pollFailures + 1;
  const next = { ...s, link: "again", pollFailures, pollAt: now + waitMs(pollFailures, retryAfterMs) };
  return s.stream === "open" ? failed(next, now) : act(next);
}

// The station is there, and the network holds its events back.
function heldBack(state, now) {
  const { state: next, actions } = failed({ ...state, pollAt: now + POLL_MS }, now);
  return { state: { ...next, link: "well" }, actions };
}

function onTick(state, _, now) {
  if (state.isHidden) return null;
  if (state.stream === "opening" && now - state.openedAt >= OPENING_MS) return failed(state, now);
  const isSilent = state.stream === "open" && now - state.heardAt >= SILENT_MS;
  const isDue = state.pollAt !== null && now >= state.pollAt;
  if (!state.isAsking && (isSilent || isDue)) return act({ ...state, isAsking: true, pollAt: null }, "ask");
  if (state.streamAt !== null && now >= state.streamAt) return open(state, now);
  return null;
}

function act(state, ...actions) {
  return { state, actions };
}
