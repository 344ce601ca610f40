// What a WHEP or WHIP session tells the station between its answer and its end. `session` has url,
// etag, offer, found (candidates), gathered, timer and, while new credentials are asked for, renewing.

import { fragment, TRICKLE_TYPE } from "./trickle.js";

// Candidates come in a burst: gather it into one request.
const TRICKLE_MS = 40;

// The station answers with all of its own candidates and learns ours from the first check, so
// this is only a courtesy to servers that want to be told. Failure costs nothing.
export function trickle(session, candidate) {
  if (candidate === null) session.gathered = true;
  else if (candidate?.candidate) session.found.push(candidate.candidate);
  // With new credentials they would ask for a restart of their own.
  if (session.renewing) return;
  if (!session.url || session.timer || (!session.found.length && !session.gathered)) return;
  session.timer = setTimeout(() => {
    session.timer = 0;
    if (!session.url || session.renewing) return;
    const body = fragment(session.offer, session.found.splice(0), session.gathered);
    const headers = { "Content-Type": TRICKLE_TYPE };
    if (session.etag) headers["If-Match"] = session.etag;
    fetch(session.url, { method: "PATCH", headers, body }).catch(() => {});
  }, TRICKLE_MS);
}

// `keepalive`, because the page may be going away in this very moment.
export function leave(session) {
  clearTimeout(session.timer);
  if (!session.url) return;
  fetch(session.url, { method: "DELETE", keepalive: true }).catch(() => {});
  session.url = null;
}
