// One WHIP session that sends the camera's picture. It reports what happens; publishing.js decides what to do.

import { leave, makeSession, negotiate, renew, trickle } from "../app/session.js";

const MAX_BPS = 2500000;
const START_KBPS = 1500;
// An offer that is not answered within this is lost: a dead network gives no error.
const ANSWER_MS = 4000;

// `tell` gets the events of publishing.js.
export function openPublisher({ endpoint, stream, token, tell }) {
  const session = makeSession();
  const abort = new AbortController();
  let closed = false;
  const report = (event) => closed || tell(event);
  // A refusal is reported with the station's reason.
  const reportAnswer = async (event) => {
    if (event.type !== "refused") return report(event);
    const problem = await event.response.json().catch(() => ({}));
    return report({ ...event, detail: problem.detail ?? "" });
  };

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
      report({ type: connectionState });
    }
  };

  const timeout = setTimeout(() => abort.abort(), ANSWER_MS);
  negotiate(peer, session, {
    endpoint,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    signal: abort.signal,
    tell: reportAnswer,
    accept: withStartRate,
  }).then(() => {
    clearTimeout(timeout);
    if (closed) leave(session);
  });
  return {
    sender: transceiver.sender,
    renew: () => closed || renew(peer, session, report),
    close() {
      if (closed) return;
      closed = true;
      peer.close();
      abort.abort();
      leave(session);
    },
  };
}

// The station takes only H.264. A browser without it, or one that does not list its codecs, offers what it has, and
// the station's refusal says what is missing.
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

// Adds a parameter of libwebrtc, which no standard has, to the answer: the rate to start at, high enough for 720p.
// Without it a browser starts at 300 kbit/s with a quarter of the width and climbs for 15 s. A slower path is found
// within a second from the station's RTCP reports.
export function withStartRate(sdp) {
  return sdp.replace(
    /^a=fmtp:\d+ [^\r\n]*packetization-mode=1[^\r\n]*/gm,
    (line) => `${line};x-google-start-bitrate=${START_KBPS}`,
  );
}

// The rate and size of what is sent. `stats`: values of an RTCStatsReport; `before`: the last result, or null.
export function sentVideo(stats, before) {
  for (const stat of stats) {
    if (stat.type !== "outbound-rtp" || stat.kind !== "video") continue;
    const elapsed = before ? stat.timestamp - before.timestamp : 0;
    const bytes = before ? stat.bytesSent - before.bytes : 0;
    return {
      timestamp: stat.timestamp,
      bytes: stat.bytesSent,
      bps: elapsed > 0 && bytes >= 0 ? (bytes * 8000) / elapsed : null,
      width: stat.frameWidth,
      height: stat.frameHeight,
      fps: stat.framesPerSecond,
    };
  }
  return null;
}

// A counter of all that was received from the station: RTCP, answers to connectivity checks, its own checks.
export function receivedCount(reports) {
  let count = 0;
  for (const { type, bytesReceived = 0, responsesReceived = 0, requestsReceived = 0 } of reports) {
    if (type === "transport") count += bytesReceived;
    if (type === "candidate-pair") count += responsesReceived + requestsReceived;
  }
  return count;
}
