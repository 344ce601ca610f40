// A picture that comes over a bad network: what has come is kept, and only the rest is asked for again.
// Pure: `step(state, event, now)` gives the next state and what to do; times are in milliseconds of the
// caller's clock.

import { waitMs } from "../app/backoff.js";

// Without a byte for this long the request is given up. A slow one that moves is not.
export const SILENT_MS = 10000;

export function initial() {
  return {
    received: 0, // bytes
    most: 0, // bytes, in any request so far
    total: null, // bytes; null: not known
    tag: null, // the entity tag of what was received
    heardAt: null, // when the running request last brought something; null: none is running
    retryAt: null, // when the next request is due; null: none is planned
    failures: 0, // requests in a row that brought nothing new
    over: null, // "there", "gone" or "refused"
  };
}

// Events: start, head {status, tag, range, length, retryAfterMs}, bytes {count}, end (of a body), failed
// (the request), online, tick.
// Things to do: "request" (ending any that runs), "cut" (the running one), "discard" (all that came).
export function step(state, event, now) {
  const handler = state.over ? undefined : HANDLERS[event.type];
  return handler ? handler(state, event, now) : same(state);
}

const HANDLERS = {
  start: (s, _, now) => request(s, now),
  head: onHead,
  bytes: onBytes,
  end: (s, _, now) =>
    s.total === null || s.received === s.total ? over(s, "there") : again(s, now),
  failed: (s, _, now) => again(s, now),
  online: (s, _, now) => (s.retryAt === null ? same(s) : request(s, now)),
  tick: onTick,
};

// The headers of the next request.
export function wanted({ received, tag }) {
  if (received === 0) return {};
  return { Range: `bytes=${received}-`, ...(tag && { "If-Range": tag }) };
}

function onBytes(state, { count }, now) {
  const received = state.received + count;
  const fresh = received > state.most ? { most: received, failures: 0 } : {};
  return same({ ...state, ...fresh, received, heardAt: now });
}

function onHead(state, { status, tag, range, length, retryAfterMs = 0 }, now) {
  const heard = { ...state, heardAt: now };
  if (status === 404 || status === 410) return over(heard, "gone");
  if (status === 401 || status === 403) return over(heard, "refused");
  if (status === 206 && continues(state, range)) return same({ ...heard, total: range.total });
  if (status === 200) {
    const fresh = { ...heard, received: 0, total: length, tag };
    return { state: fresh, actions: state.received > 0 ? ["discard"] : [] };
  }
  // A range that does not fit what is here: the whole of it is asked for.
  const anew = [206, 416].includes(status) ? { received: 0, total: null, tag: null } : {};
  const { state: next, actions } = again({ ...heard, ...anew }, now, retryAfterMs);
  return { state: next, actions: "received" in anew ? ["discard", ...actions] : actions };
}

function continues({ received, total }, range) {
  return range !== null && range.from === received && (total === null || range.total === total);
}

function onTick(state, _, now) {
  if (state.retryAt !== null && now >= state.retryAt) return request(state, now);
  if (state.heardAt !== null && now - state.heardAt >= SILENT_MS) return again(state, now);
  return same(state);
}

function request(state, now) {
  return { state: { ...state, heardAt: now, retryAt: null }, actions: ["request"] };
}

function again(state, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const retryAt = now + waitMs(failures, askedForMs);
  const next = { ...state, failures, heardAt: null, retryAt };
  return { state: next, actions: ["cut"] };
}

function over(state, how) {
  return { state: { ...state, over: how, heardAt: null, retryAt: null }, actions: ["cut"] };
}

function same(state) {
  return { state, actions: [] };
}

// "bytes 5-9/10" of Content-Range (RFC 9110, 14.4); null where it says anything else.
export function rangeOf(text) {
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(text ?? "") ?? [];
  return from === undefined ? null : { from: Number(from), total: Number(total) };
}
