// One WHEP session. It reports what happens; connection.js decides what to do.

import { leave, makeSession, negotiate, renew, trickle } from "./session.js";

// A POST whose session was given up is cut off after this, which frees its connection.
const ABANDON_MS = 2000;

// `tell` gets {type: "track", track}, ended, and the events of negotiate() and renew(), of which connection.js takes all but "offered".
export function openPlayer({ endpoint, asksForServers = false, tell }) {
  const codecs = supportedCodecs();
  if (!codecs) {
    queueMicrotask(() => tell({ type: "unsupported" }));
    return null;
  }
  const session = makeSession();
  const abort = new AbortController();
  let closed = false;
  const report = (event) => closed || tell(event);

  const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  if (codecs.length) transceiver.setCodecPreferences(codecs);
  minimiseDelay(transceiver.receiver);
  peer.ontrack = ({ track }) => report({ type: "track", track });
  peer.onicecandidate = ({ candidate }) => trickle(session, candidate);
  peer.onconnectionstatechange = () => {
    const { connectionState: type } = peer;
    if (type === "failed" || type === "disconnected") report({ type });
  };

  async function begin() {
    if (asksForServers) await useServers(peer, endpoint, abort.signal);
    await negotiate(peer, session, { endpoint, signal: abort.signal, tell: report });
    // The station ends a session with a DTLS alert, which does not change the connection's state.
    const { transport } = transceiver.receiver;
    transport?.addEventListener("statechange", () => transport.state === "closed" && report({ type: "ended" }));
    if (closed) leave(session);
  }
  begin();

  return {
    peer,
    session,
    // From the next keyframe on. Before the answer there is no session to tell.
    choose(name) {
      if (!session.url) return;
      fetch(`${session.url}/rendition`, { method: "PUT", body: name }).catch(() => {});
    },
    renew: () => closed || renew(peer, session, report),
    close() {
      if (closed) return;
      closed = true;
      peer.close();
      leave(session);
      setTimeout(() => abort.abort(), ABANDON_MS);
    },
  };
}

// Before the offer, because that is when a browser gathers candidates. Without an answer only direct
// paths are tried.
async function useServers(peer, endpoint, signal) {
  try {
    const response = await fetch(endpoint, { method: "OPTIONS", signal });
    const servers = iceServers(response.headers.get("Link"));
    if (servers.length) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: servers });
  } catch (error) {
    console.warn("no STUN or TURN servers", error);
  }
}

// H.264 and RTX: the station sends nothing else. Null: no WebRTC or no H.264. Empty: the browser does not list its
// codecs.
function supportedCodecs() {
  if (typeof RTCPeerConnection === "undefined") return null;
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs;
  if (!known) return [];
  if (!known.some((codec) => /^video\/h264$/i.test(codec.mimeType))) return null;
  if (!("setCodecPreferences" in RTCRtpTransceiver.prototype)) return [];
  return known.filter((codec) => /^video\/(h264|rtx)$/i.test(codec.mimeType));
}

// No jitter buffer beyond what is needed. The first name is the standard's, the second older Chromium's.
function minimiseDelay(receiver) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}

// Scripts get several Link headers as one text with commas between them; addresses and quoted strings
// may hold commas too.
const LINK = /<([^<>]*)>((?:\s*;\s*[\w-]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)/g;
const PARAMETER = /;\s*([\w-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?/g;

// STUN and TURN servers of an endpoint's Link header (RFC 9725, 4.6), which may be null, as
// RTCPeerConnection takes them.
export function iceServers(header) {
  const servers = [];
  for (const [, url, rest] of (header ?? "").matchAll(LINK)) {
    const { rel = "", username, credential } = linkParameters(rest);
    if (!/\bice-server\b/i.test(rel)) continue;
    // A browser throws at a TURN server without both, which would end the whole connection.
    const isComplete = username !== undefined && credential !== undefined;
    if (/^turns?:/i.test(url) && isComplete) servers.push({ urls: url, username, credential });
    if (/^stuns?:/i.test(url)) servers.push({ urls: url });
  }
  return servers;
}

function linkParameters(text) {
  const parameters = {};
  for (const [, name, quoted, bare] of text.matchAll(PARAMETER)) {
    parameters[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
  }
  return parameters;
}
