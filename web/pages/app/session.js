// What a WHEP or WHIP session tells the station between its answer and its end.

import { fragment, renewedAnswer, TRICKLE_TYPE } from "./trickle.js";

// Candidates come in a burst: gather it into one request.
const TRICKLE_MS = 40;
// A network that swallows everything never says so: a request it took is asked anew.
const RENEW_MS = 900;

export function makeSession() {
  return {
    url: null, // null: the station has not answered, or the session has ended
    etag: null,
    offer: "",
    answer: "", // as the browser was given it
    found: [], // candidates that the station has not been told of
    gathered: false,
    timer: 0,
    renewing: null, // while new credentials are asked for: what cuts that short
    renewals: Promise.resolve(), // one after the other, for each changes the local description
  };
}

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

// An ICE restart (RFC 9725 4.3.3): keys, numbers and codecs stay, only the path is looked for anew.
// What still goes by the old path goes on until the new one works. `say` gets renewed, unrenewable
// (a new session is the only way) or unreachable.
export function renew(peer, session, say) {
  session.renewing?.abort(SUPERSEDED);
  session.renewals = session.renewals.then(() => renewOnce(peer, session, say));
  return session.renewals;
}

// By a later renewal, or by the end of the session: nobody waits for this one.
const SUPERSEDED = "superseded";

async function renewOnce(peer, session, say) {
  if (!session.url || !session.answer) return say({ type: "unrenewable" });
  const abort = new AbortController();
  Object.assign(session, { renewing: abort, found: [], gathered: false });
  const patience = setTimeout(() => abort.abort(), RENEW_MS);
  try {
    if (peer.signalingState === "have-local-offer") await takeBack(peer);
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const offer = peer.localDescription.sdp;
    performance.mark("carrier:renew");
    const response = await fetch(session.url, {
      method: "PATCH",
      headers: { "Content-Type": TRICKLE_TYPE, "If-Match": '"*"' },
      body: fragment(offer, [], false),
      signal: abort.signal,
    });
    if (response.status !== 200) return say({ type: "unrenewable" });
    const answer = renewedAnswer(session.answer, await response.text());
    if (abort.signal.aborted) return;
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
    Object.assign(session, { offer, answer, etag: response.headers.get("ETag"), renewing: null });
    say({ type: "renewed" });
    trickle(session, undefined);
  } catch (error) {
    if (abort.signal.reason === SUPERSEDED) return;
    const away = error instanceof TypeError || error?.name === "AbortError";
    if (away) await takeBack(peer).catch(() => {});
    say(away ? { type: "unreachable" } : { type: "unrenewable" });
  } finally {
    clearTimeout(patience);
    if (session.renewing === abort) session.renewing = null;
  }
}

async function takeBack(peer) {
  if (peer.signalingState !== "have-local-offer") return;
  await peer.setLocalDescription({ type: "rollback" });
}

// `keepalive`, because the page may be going away in this very moment.
export function leave(session) {
  clearTimeout(session.timer);
  session.renewing?.abort(SUPERSEDED);
  session.renewing = null;
  if (!session.url) return;
  fetch(session.url, { method: "DELETE", keepalive: true }).catch(() => {});
  session.url = null;
}
