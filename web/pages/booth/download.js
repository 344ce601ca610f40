// Fetches a picture as transfer.js decides.

import { initial, rangeOf, step, wanted } from "./transfer.js";

const TICK_MS = 250;

// `tell` gets {type: "received", received, total, retryAt} while it comes (`retryAt` on the clock of
// performance.now(), null while bytes flow), and at last {type: "there", blob}, {type: "gone"} or
// {type: "refused"}. Gives what ends it.
export function download(address, tell) {
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
      request(address, wanted(state), running.signal, { dispatch, keep: (part) => parts.push(part) });
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

// What belongs to a request that was given up is never heard of.
async function request(address, headers, signal, { dispatch, keep }) {
  const say = (event) => signal.aborted || dispatch(event);
  try {
    const response = await fetch(address, { headers, signal, cache: "no-store" });
    say({ type: "head", status: response.status, ...described(response) });
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return;
      if (done) break;
      keep(value);
      say({ type: "bytes", count: value.byteLength });
    }
    say({ type: "end" });
  } catch {
    say({ type: "failed" });
  }
}

function described({ headers }) {
  const length = headers.get("Content-Encoding") ? null : headers.get("Content-Length");
  const tag = headers.get("ETag");
  const seconds = Number(headers.get("Retry-After"));
  return {
    // A weak tag does not promise the same bytes (RFC 9110, 8.8.1).
    tag: tag?.startsWith('"') ? tag : null,
    range: rangeOf(headers.get("Content-Range")),
    length: length === null ? null : Number(length),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
  };
}
