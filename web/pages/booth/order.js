// Orders at the station: sends one, and follows the job that it becomes.

import { retryAfterMs, waitMs } from "../app/backoff.js";
import { parseObject } from "./store.js";
import { kindOf } from "./takes.js";

const JOBS = "api/stylise";

// A random UUID (RFC 9562, version 4). crypto.randomUUID exists only on HTTPS.
export function randomKey(bytes = crypto.getRandomValues(new Uint8Array(16))) {
  const own = Uint8Array.from(bytes);
  own[6] = (own[6] & 0x0f) | 0x40;
  own[8] = (own[8] & 0x3f) | 0x80;
  const hex = [...own].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// `made_by`: who the visitor was told makes the picture; the station lets nobody else make it.
export function form({ style, made_by, share }, photo) {
  const fields = new FormData();
  fields.append("style", style);
  if (made_by) fields.append("made_by", made_by);
  fields.append("share", String(share));
  if (kindOf(photo) !== "single") fields.append("photo", kindOf(photo));
  fields.append("image", photo, "photo");
  return fields;
}

// With XMLHttpRequest, because fetch does not report the progress of an upload. `tell` gets progress, answer and
// unreachable of visit.js. Gives a function that abandons the order.
export function sendOrder(order, photo, tell) {
  const request = new XMLHttpRequest();
  let wanted = true;
  let complete = false;
  request.open("POST", JOBS);
  request.setRequestHeader("Idempotency-Key", order.key);
  request.upload.onprogress = ({ loaded, total }) => {
    if (wanted) tell({ type: "progress", sent: loaded, total });
  };
  request.upload.onload = () => (complete = true);
  request.onload = () => {
    const answer = read(request);
    if (wanted) tell(answer);
    // Abandoned too late: the station has the order already.
    else if (answer.id) fetch(`${JOBS}/${answer.id}`, { method: "DELETE" }).catch(() => {});
  };
  request.onerror = () => wanted && tell({ type: "unreachable", isOffline: navigator.onLine === false });
  request.send(form(order, photo));

  // `retried`: the same order is sent again, so that a job which the station has made of it stays.
  return ({ retried }) => {
    wanted = false;
    if (retried || !complete) request.abort();
  };
}

function read(request) {
  const body = parseObject(request.responseText);
  return {
    type: "answer",
    status: request.status,
    id: request.status === 202 ? (body.id ?? null) : null,
    retryAfterMs: retryAfterMs(request.getResponseHeader("Retry-After")),
    detail: body.error ?? "",
  };
}

const POLL_AFTER_MS = 10000; // without an event: some networks hold server-sent events back
const OVER = ["done", "failed", "cancelled", "expired"];

// Follows a job by server-sent events, and by requests when events do not come. `tell` gets job, gone and lost
// of visit.js. Gives a function that ends this.
export function followJob(id, tell) {
  const address = `${JOBS}/${id}`;
  let events = null;
  let timer = 0;
  let failures = 0;
  let over = false;
  let asking = false;

  function subscribe() {
    events?.close();
    events = new EventSource(`${address}/events`);
    events.addEventListener("job", (event) => received(JSON.parse(event.data)));
    events.addEventListener("error", ask);
  }

  function received(job) {
    if (over) return;
    failures = 0;
    if (OVER.includes(job.state)) end();
    else plan(POLL_AFTER_MS);
    tell({ type: "job", job });
  }

  async function ask() {
    if (over || asking) return;
    asking = true;
    clearTimeout(timer);
    try {
      const response = await fetch(address, { cache: "no-store" });
      if (response.status === 404) {
        end();
        return void tell({ type: "gone" });
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      received(await response.json());
    } catch {
      if (over) return;
      failures += 1;
      tell({ type: "lost" });
    } finally {
      asking = false;
    }
    if (!over) plan(Math.max(waitMs(failures), 2000));
  }

  function plan(afterMs) {
    clearTimeout(timer);
    // Jitter, so that many who lost the same station do not ask at the same time.
    timer = setTimeout(ask, afterMs * (0.75 + 0.5 * Math.random()));
  }

  // The connections of a phone that was locked are closed.
  function resume() {
    if (document.hidden || over) return;
    if (events.readyState === EventSource.CLOSED) subscribe();
    ask();
  }

  function end() {
    over = true;
    clearTimeout(timer);
    events?.close();
    document.removeEventListener("visibilitychange", resume);
    removeEventListener("pageshow", resume);
    removeEventListener("online", resume);
  }

  document.addEventListener("visibilitychange", resume);
  addEventListener("pageshow", resume);
  addEventListener("online", resume);
  subscribe();
  plan(POLL_AFTER_MS);
  return end;
}
