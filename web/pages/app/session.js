// The HTTP side of one WHEP or WHIP session: offer and answer, trickled candidates, ICE restarts, the end.

import { retryAfterMs } from "./backoff.js";

const FRAGMENT_TYPE = "application/trickle-ice-sdpfrag";
const TRICKLE_MS = 40; // gathers a burst of candidates into one request
const RENEW_MS = 900; // after this an ICE restart counts as lost: a dead network gives no error

export function makeSession() {
  return {
    url: null, // null: not answered yet, or ended
    etag: null,
    postedAt: null, // when the offer went out, and when its answer had come, by performance.now()
    answeredAt: null,
    offer: "",
    answer: "", // as the browser was given it
    found: [], // candidates that the station has not been sent
    gathered: false,
    timer: 0,
    renewing: null, // the AbortController of a running ICE restart
    renewals: Promise.resolve(), // one after the other: each changes the local description
  };
}

// Sends the offer and takes the answer, which `accept` may change before the browser gets it. `tell` gets
// offered (the offer is on its way), answered, refused {status, retryAfterMs, response}, unreachable, failed.
export async function negotiate(peer, session, { endpoint, headers, signal, tell, accept = (sdp) => sdp }) {
  try {
    await peer.setLocalDescription();
    session.offer = peer.localDescription.sdp;
    session.postedAt = performance.mark("carrier:post").startTime;
    const answered = fetch(endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...headers },
      body: session.offer,
      signal,
    });
    tell({ type: "offered" });
    const response = await answered;
    if (response.status !== 201) {
      const afterMs = retryAfterMs(response.headers.get("Retry-After"));
      return tell({ type: "refused", status: response.status, retryAfterMs: afterMs, response });
    }
    const location = response.headers.get("Location");
    session.url = location && new URL(location, response.url).href;
    session.etag = response.headers.get("ETag");
    const answer = accept(await response.text());
    session.answeredAt = performance.mark("carrier:answer").startTime;
    tell({ type: "answered" });
    if (peer.signalingState === "closed") return;
    session.answer = answer;
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
    trickle(session, undefined);
  } catch (error) {
    tell({ type: isNetworkError(error) ? "unreachable" : "failed" });
  }
}

// fetch throws a TypeError when nobody answered; any other error is an answer that cannot be used.
function isNetworkError(error) {
  return error instanceof TypeError || error?.name === "AbortError";
}

// Sends candidates as they are found (RFC 9725 4.3.2). The station learns a peer's address from its
// first connectivity check, so a failure costs nothing.
export function trickle(session, candidate) {
  if (candidate === null) session.gathered = true;
  else if (candidate?.candidate) session.found.push(candidate.candidate);
  // During an ICE restart the new credentials would make this a second restart.
  if (session.renewing) return;
  if (!session.url || session.timer || (!session.found.length && !session.gathered)) return;
  session.timer = setTimeout(() => {
    session.timer = 0;
    if (!session.url || session.renewing) return;
    const body = fragment(session.offer, session.found.splice(0), session.gathered);
    const headers = { "Content-Type": FRAGMENT_TYPE };
    if (session.etag) headers["If-Match"] = session.etag;
    fetch(session.url, { method: "PATCH", headers, body }).catch(() => {});
  }, TRICKLE_MS);
}

// By a later restart or the end: nothing is reported.
const SUPERSEDED = "superseded";

// An ICE restart (RFC 9725 4.3.3): keys, SSRCs and codecs stay, and media goes on over the old path until
// a new one works. `tell` gets renewed, unrenewable (only a new session helps) or unreachable.
export function renew(peer, session, tell) {
  session.renewing?.abort(SUPERSEDED);
  session.renewals = session.renewals.then(() => renewOnce(peer, session, tell));
  return session.renewals;
}

async function renewOnce(peer, session, tell) {
  if (!session.url || !session.answer) return tell({ type: "unrenewable" });
  const abort = new AbortController();
  Object.assign(session, { renewing: abort, found: [], gathered: false });
  const timeout = setTimeout(() => abort.abort(), RENEW_MS);
  try {
    await rollBack(peer);
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const offer = peer.localDescription.sdp;
    performance.mark("carrier:renew");
    const response = await fetch(session.url, {
      method: "PATCH",
      headers: { "Content-Type": FRAGMENT_TYPE, "If-Match": '"*"' },
      body: fragment(offer, [], false),
      signal: abort.signal,
    });
    if (response.status !== 200) return tell({ type: "unrenewable" });
    const answer = renewedAnswer(session.answer, await response.text());
    if (abort.signal.aborted) return;
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
    Object.assign(session, { offer, answer, etag: response.headers.get("ETag"), renewing: null });
    tell({ type: "renewed" });
    trickle(session, undefined);
  } catch (error) {
    if (abort.signal.reason === SUPERSEDED) return;
    if (!isNetworkError(error)) return tell({ type: "unrenewable" });
    await rollBack(peer).catch(() => {});
    tell({ type: "unreachable" });
  } finally {
    clearTimeout(timeout);
    if (session.renewing === abort) session.renewing = null;
  }
}

async function rollBack(peer) {
  if (peer.signalingState !== "have-local-offer") return;
  await peer.setLocalDescription({ type: "rollback" });
}

// `keepalive`: the request outlives a page that is being closed.
export function leave(session) {
  clearTimeout(session.timer);
  session.renewing?.abort(SUPERSEDED);
  session.renewing = null;
  if (!session.url) return;
  fetch(session.url, { method: "DELETE", keepalive: true }).catch(() => {});
  session.url = null;
}

const UFRAG = "a=ice-ufrag:";
const PASSWORD = "a=ice-pwd:";

// The body of a PATCH (RFC 8840): `offer` is the local description, `candidates` are candidate lines
// without "a=".
export function fragment(offer, candidates, ended) {
  const lines = [
    ...[UFRAG, PASSWORD, "m=", "a=mid:"].map((start) => first(offer, start)),
    ...candidates.map((line) => `a=${line}`),
    ended ? "a=end-of-candidates" : null,
  ];
  return lines.filter(Boolean).join("\r\n") + "\r\n";
}

// The station's answer, with the ICE credentials and candidates of `renewal` in place of its old ones.
export function renewedAnswer(answer, renewal) {
  const [ufrag, password] = [UFRAG, PASSWORD].map((start) => first(renewal, start));
  if (!ufrag || !password) throw new Error("an ICE restart was answered without credentials");
  const isCandidate = (line) => /^a=(candidate:|end-of-candidates)/.test(line);
  const candidates = linesOf(renewal).filter(isCandidate);
  const lines = linesOf(answer).flatMap((line) => {
    if (isCandidate(line)) return [];
    if (line.startsWith(UFRAG)) return ufrag;
    return line.startsWith(PASSWORD) ? [password, ...candidates.splice(0)] : newVersion(line);
  });
  return lines.join("\r\n") + "\r\n";
}

// The third word of o= counts the versions of a session's description (RFC 8866, 5.2).
function newVersion(line) {
  return line.replace(/^(o=\S+ \S+ )(\d+)/, (_, start, version) => start + (Number(version) + 1));
}

const linesOf = (text) => text.split(/\r?\n/).filter(Boolean);
const first = (text, start) => linesOf(text).find((line) => line.startsWith(start));
