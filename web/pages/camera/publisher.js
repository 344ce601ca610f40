// One WHIP session: an offer with the camera's picture goes out, candidates follow. It tells what
// happens and decides nothing; publishing.js decides.

import { leave, makeSession, renew, trickle } from "../app/session.js";
import { withStartRate } from "./start_rate.js";

const MAX_BPS = 2500000;
// An offer that is not answered by then is lost: a network that went away never says so.
const ANSWER_MS = 4000;

// `tell` gets the events of publishing.js. Gives a publisher to renew() and to close().
export function openPublisher({ endpoint, stream, token, tell }) {
  const session = makeSession();
  const abort = new AbortController();
  let closed = false;
  const say = (event) => closed || tell(event);

  const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  const [track] = stream.getVideoTracks();
  track.contentHint = "motion";
  const transceiver = peer.addTransceiver(track, {
    direction: "sendonly",
    streams: [stream],
    sendEncodings: [{ maxBitrate: MAX_BPS }],
  });
  preferH264(transceiver);
  peer.onicecandidate = ({ candidate }) => trickle(session, candidate);
  peer.onconnectionstatechange = () => {
    const { connectionState } = peer;
    if (["connected", "disconnected", "failed"].includes(connectionState)) {
      say({ type: connectionState });
    }
  };

  const patience = setTimeout(() => abort.abort(), ANSWER_MS);
  negotiate(peer, { endpoint, token, session, signal: abort.signal, say }).then(() => {
    clearTimeout(patience);
    if (closed) leave(session);
  });
  return {
    sender: transceiver.sender,
    renew: () => closed || renew(peer, session, say),
    close() {
      if (closed) return;
      closed = true;
      peer.close();
      abort.abort();
      leave(session);
    },
  };
}

async function negotiate(peer, { endpoint, token, session, signal, say }) {
  try {
    await peer.setLocalDescription();
    session.offer = peer.localDescription.sdp;
    const headers = { "Content-Type": "application/sdp" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await fetch(endpoint, {
      method: "POST",
      headers,
      body: session.offer,
      signal,
    });
    if (response.status !== 201) return say(await refusal(response));
    session.url = new URL(response.headers.get("Location"), response.url).href;
    session.etag = response.headers.get("ETag");
    const sdp = withStartRate(await response.text());
    if (peer.signalingState === "closed") return;
    session.answer = sdp;
    await peer.setRemoteDescription({ type: "answer", sdp });
    trickle(session, undefined);
  } catch (error) {
    // fetch says TypeError when nobody answered; anything else is an answer we cannot use.
    const away = error instanceof TypeError || error?.name === "AbortError";
    say({ type: away ? "unreachable" : "failed" });
  }
}

async function refusal(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  const problem = await response.json().catch(() => ({}));
  return {
    type: "answer",
    status: response.status,
    detail: problem.detail ?? "",
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
  };
}

// The station takes nothing else. A browser that has none, or does not tell, offers what it likes
// and is told so.
function preferH264(transceiver) {
  const known = globalThis.RTCRtpSender?.getCapabilities?.("video")?.codecs ?? [];
  const wanted = known.filter(
    ({ mimeType, sdpFmtpLine = "" }) =>
      /^video\/rtx$/i.test(mimeType) ||
      (/^video\/h264$/i.test(mimeType) && /packetization-mode=1/.test(sdpFmtpLine)),
  );
  if (wanted.some(({ mimeType }) => /h264/i.test(mimeType))) {
    transceiver.setCodecPreferences?.(wanted);
  }
}
