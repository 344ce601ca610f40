// One WHEP session: an offer goes out at once, candidates follow, the picture comes back.
// It tells what happens and decides nothing; connection.js decides.

import { iceServers } from "./ice_servers.js";
import { leave, makeSession, renew, trickle } from "./session.js";

// A POST that nobody waits for any more is cut off after this, so that it frees its connection.
const ABANDON_MS = 2000;

// `asksForServers`: the station has STUN or TURN servers to tell of. `tell` gets {type: "track", track},
// {type: "offered"} once the offer is on its way, and the events of connection.js. Gives a player to
// renew() and to close().
export function openPlayer({ endpoint, asksForServers = false, tell }) {
  const codecs = wantedCodecs();
  if (!codecs) {
    queueMicrotask(() => tell({ type: "unsupported" }));
    return { peer: null, choose() {}, renew() {}, close() {} };
  }
  const session = makeSession();
  const abort = new AbortController();
  let closed = false;
  const say = (event) => closed || tell(event);

  const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  if (codecs.length) transceiver.setCodecPreferences(codecs);
  showAtOnce(transceiver.receiver);
  peer.ontrack = ({ track }) => say({ type: "track", track });
  peer.onicecandidate = ({ candidate }) => trickle(session, candidate);
  peer.onconnectionstatechange = () => {
    if (peer.connectionState === "failed") say({ type: "failed" });
    if (peer.connectionState === "disconnected") say({ type: "disconnected" });
  };

  const begun = asksForServers ? useServers(peer, endpoint, abort.signal) : Promise.resolve();
  begun
    .then(() => negotiate(peer, endpoint, session, abort.signal, say))
    .then(() => closed && leave(session));
  return {
    peer,
    receiver: transceiver.receiver,
    // Another rendition from its next keyframe on. Before the answer there is nobody to tell yet; the
    // next session will ask for it.
    choose(name) {
      if (!session.url) return;
      fetch(`${session.url}/rendition`, { method: "PUT", body: name }).catch(() => {});
    },
    renew: () => closed || renew(peer, session, say),
    close() {
      if (closed) return;
      closed = true;
      peer.close();
      leave(session);
      setTimeout(() => abort.abort(), ABANDON_MS);
    },
  };
}

// Before the offer, since that is when a browser begins to look for its ways. Without an answer it
// goes on with the direct ones.
async function useServers(peer, endpoint, signal) {
  try {
    const response = await fetch(endpoint, { method: "OPTIONS", signal });
    const servers = iceServers(response.headers.get("Link"));
    if (servers.length) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: servers });
  } catch (error) {
    console.warn("no STUN or TURN servers", error);
  }
}

async function negotiate(peer, endpoint, session, signal, say) {
  try {
    await peer.setLocalDescription();
    session.offer = peer.localDescription.sdp;
    performance.mark("carrier:post");
    const answered = fetch(endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: session.offer,
      signal,
    });
    say({ type: "offered" });
    const response = await answered;
    if (response.status !== 201) return say(refusal(response));
    const location = response.headers.get("Location");
    session.url = location && new URL(location, response.url).href;
    session.etag = response.headers.get("ETag");
    const sdp = await response.text();
    performance.mark("carrier:answer");
    say({ type: "answered" });
    if (peer.signalingState === "closed") return;
    session.answer = sdp;
    await peer.setRemoteDescription({ type: "answer", sdp });
    trickle(session, undefined);
  } catch (error) {
    // fetch says TypeError when nobody answered; anything else is an answer we cannot use.
    const away = error instanceof TypeError || error?.name === "AbortError";
    say(away ? { type: "unreachable" } : { type: "failed" });
  }
}

function refusal(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : 0;
  return { type: "refused", status: response.status, retryAfterMs };
}

// H.264 and its retransmissions only: the station sends nothing else, and a short offer is a
// quick one. Null: this browser cannot. Empty: it does not tell, let it offer what it likes.
function wantedCodecs() {
  if (typeof RTCPeerConnection === "undefined") return null;
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs;
  if (!known) return [];
  if (!known.some((codec) => /^video\/h264$/i.test(codec.mimeType))) return null;
  if (!("setCodecPreferences" in RTCRtpTransceiver.prototype)) return [];
  return known.filter((codec) => /^video\/(h264|rtx)$/i.test(codec.mimeType));
}

// Pictures are shown as they come. The first is the standard's name, the second Chromium's old one.
function showAtOnce(receiver) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}
