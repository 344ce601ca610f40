// Follows a job: by server-sent events, and by asking whenever those are silent, broken or refused.

import { waitMs } from "../app/backoff.js";

const SILENT_MS = 10000; // asked at least this often, for networks that hold events back
const OVER = ["done", "failed", "cancelled", "expired"];

// `tell` gets the events job, gone and lost of visit.js. Returns what ends it.
export function followJob(id, tell) {
  const address = `api/stylise/${id}`;
  let events = null;
  let timer = 0;
  let failures = 0;
  let over = false;
  let asking = false;

  function listen() {
    events?.close();
    events = new EventSource(`${address}/events`);
    events.addEventListener("job", (event) => heard(JSON.parse(event.data)));
    events.addEventListener("error", ask);
  }

  function heard(job) {
    if (over) return;
    failures = 0;
    if (OVER.includes(job.state)) end();
    else plan(SILENT_MS);
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
      heard(await response.json());
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
    timer = setTimeout(ask, afterMs);
  }

  // A phone that was locked comes back with dead connections.
  function back() {
    if (document.hidden || over) return;
    if (events.readyState === EventSource.CLOSED) listen();
    ask();
  }

  function end() {
    over = true;
    clearTimeout(timer);
    events?.close();
    document.removeEventListener("visibilitychange", back);
    removeEventListener("pageshow", back);
    removeEventListener("online", back);
  }

  document.addEventListener("visibilitychange", back);
  addEventListener("pageshow", back);
  addEventListener("online", back);
  listen();
  plan(SILENT_MS);
  return end;
}
