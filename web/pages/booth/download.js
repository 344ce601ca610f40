// Downloads a picture over a bad network: received bytes are kept, and a new request asks only for the rest.

import { retryAfterMs, waitMs } from "../app/backoff.js";

// The state machine. Pure: `step(state, event, now)` gives the next state and the actions to do; times are in
// milliseconds of the caller's clock.

export const SILENT_MS = 10000; // a request without a byte for this long is cancelled

export function initial() {
  return {
    received: 0, // bytes
    most: 0, // bytes, in any request so far
    total: null, // bytes; null: not known
    tag: null, // the entity tag of what was received
    activeAt: null, // when the running request last received something; null: none is running
    retryAt: null, // when the next request is due; null: none is planned
    failures: 0, // requests in a row that received nothing new
    over: null, // "there", "gone" or "refused"
  };
}

// Events: start, head {status, tag, range, length, retryAfterMs}, bytes {count}, end (of a body), failed (the
// request), online, tick.
// Actions: "request" (ends a running one), "cut" (ends the running one), "discard" (all that was received).
export function step(state, event, now) {
  const handler = state.over ? undefined : HANDLERS[event.type];
  return handler ? handler(state, event, now) : same(state);
}

const HANDLERS = {
  start: (s, _, now) => startRequest(s, now),
  head: onHead,
  bytes: onBytes,
  end: (s, _, now) =>
    s.total === null || s.received === s.total ? over(s, "there") : retryLater(s, now),
  failed: (s, _, now) => retryLater(s, now),
  online: (s, _, now) => (s.retryAt === null ? same(s) : startRequest(s, now)),
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
  return same({ ...state, ...fresh, received, activeAt: now });
}

function onHead(state, { status, tag, range, length, retryAfterMs = 0 }, now) {
  const active = { ...state, activeAt: now };
  if (status === 404 || status === 410) return over(active, "gone");
  if (status === 401 || status === 403) return over(active, "refused");
  if (status === 206 && continues(state, range)) return same({ ...active, total: range.total });
  if (status === 200) {
    const fresh = { ...active, received: 0, total: length, tag };
    return { state: fresh, actions: state.received > 0 ? ["discard"] : [] };
  }
  // A range that does not continue what was received: the next request asks for the whole picture.
  const anew = [206, 416].includes(status) ? { received: 0, total: null, tag: null } : {};
  const { state: next, actions } = retryLater({ ...active, ...anew }, now, retryAfterMs);
  return { state: next, actions: "received" in anew ? ["discard", ...actions] : actions };
}

function continues({ received, total }, range) {
  return range !== null && range.from === received && (total === null || range.total === total);
}

function onTick(state, _, now) {
  if (state.retryAt !== null && now >= state.retryAt) return startRequest(state, now);
  if (state.activeAt !== null && now - state.activeAt >= SILENT_MS) return retryLater(state, now);
  return same(state);
}

function startRequest(state, now) {
  return { state: { ...state, activeAt: now, retryAt: null }, actions: ["request"] };
}

function retryLater(state, now, askedForMs = 0) {
  const failures = state.failures + 1;
  const retryAt = now + waitMs(failures, askedForMs);
  const next = { ...state, failures, activeAt: null, retryAt };
  return { state: next, actions: ["cut"] };
}

function over(state, how) {
  return { state: { ...state, over: how, activeAt: null, retryAt: null }, actions: ["cut"] };
}

function same(state) {
  return { state, actions: [] };
}

// "bytes 5-9/10" of Content-Range (RFC 9110, 14.4); null where it says anything else.
export function rangeOf(text) {
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(text ?? "") ?? [];
  return from === undefined ? null : { from: Number(from), total: Number(total) };
}

const TICK_MS = 250;

// `tell` gets {type: "received", received, total, retryAt} for progress (`retryAt` in the time of
// performance.now(), null while a request runs), and in the end {type: "there", blob}, {type: "gone"} or
// {type: "refused"}. `headers` go with each request. Gives a function that ends the download.
export function download(address, tell, headers = {}) {
  let state = initial();
  let parts = [];
  let running = null;
  const timer = setInterval(() => dispatch({ type: "tick" }), TICK_MS);
  const online = () => dispatch({ type: "online" });
  addEventListener("online", online);

  function dispatch(event) {
    const before = state;
    const next = step(state, event, performance.now());
    state = next.state;
    for (const action of next.actions) ACTIONS[action]();
    if (state.over) finish();
    else if (state.received !== before.received || state.retryAt !== before.retryAt) {
      const { received, total, retryAt } = state;
      tell({ type: "received", received, total, retryAt });
    }
  }

  const ACTIONS = {
    request() {
      running?.abort();
      running = new AbortController();
      request(address, { ...headers, ...wanted(state) }, running.signal, { dispatch, keep: (part) => parts.push(part) });
    },
    cut() {
      running?.abort();
      running = null;
    },
    discard: () => (parts = []),
  };

  function finish() {
    const how = state.over;
    end();
    if (how === "there") tell({ type: "there", blob: new Blob(parts, { type: "image/jpeg" }) });
    else tell({ type: how });
  }

  function end() {
    clearInterval(timer);
    removeEventListener("online", online);
    ACTIONS.cut();
  }

  dispatch({ type: "start" });
  return end;
}

// Events of a cancelled request are dropped.
async function request(address, headers, signal, { dispatch, keep }) {
  const report = (event) => signal.aborted || dispatch(event);
  try {
    const response = await fetch(address, { headers, signal, cache: "no-store" });
    report({ type: "head", status: response.status, ...described(response) });
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return;
      if (done) break;
      keep(value);
      report({ type: "bytes", count: value.byteLength });
    }
    report({ type: "end" });
  } catch {
    report({ type: "failed" });
  }
}

function described({ headers }) {
  const length = headers.get("Content-Encoding") ? null : headers.get("Content-Length");
  const tag = headers.get("ETag");
  return {
    // A weak tag does not promise the same bytes (RFC 9110, 8.8.1).
    tag: tag?.startsWith('"') ? tag : null,
    range: rangeOf(headers.get("Content-Range")),
    length: length === null ? null : Number(length),
    retryAfterMs: retryAfterMs(headers.get("Retry-After")),
  };
}
