// Numbers for the statistics: what RTCPeerConnection.getStats() counts, and numbers as text. Pure; `words` are
// those of language.js.

// The counters of one getStats() report; null while no video is received.
export function readCounters(report) {
  let video = null;
  let pair = null;
  const byIdentity = new Map();
  for (const stat of report.values()) {
    byIdentity.set(stat.id, stat);
    if (stat.type === "inbound-rtp" && stat.kind === "video") video = stat;
    const selected = stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded";
    if (selected && (stat.bytesReceived ?? 0) >= (pair?.bytesReceived ?? 0)) pair = stat;
  }
  if (!video) return null;
  const ends = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => byIdentity.get(id));
  return {
    atMs: video.timestamp,
    arrived: video.framesReceived ?? 0,
    frozenS: video.totalFreezesDuration ?? 0,
    tcp: ends.some((end) => /tcp|tls/.test(end?.relayProtocol ?? end?.protocol)),
    relayed: ends.some((end) => end?.candidateType === "relay"),
    bytes: video.bytesReceived ?? 0,
    packets: video.packetsReceived ?? 0,
    lost: video.packetsLost ?? 0,
    decoded: video.framesDecoded ?? 0,
    emitted: video.jitterBufferEmittedCount ?? 0,
    bufferedS: video.jitterBufferDelay ?? 0,
    decodingS: video.totalDecodeTime ?? 0,
    height: video.frameHeight ?? 0,
    roundTripMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
  };
}

// The rates between two readings of the counters; null where they are less than 100 ms apart.
export function between(before, after) {
  if (!before || !after || after.atMs - before.atMs < 100) return null;
  // A new connection counts from zero.
  if (after.bytes < before.bytes || after.decoded < before.decoded) return null;
  const since = (name) => after[name] - before[name];
  const seconds = since("atMs") / 1000;
  const [decoded, emitted, packets] = ["decoded", "emitted", "packets"].map(since);
  const lost = Math.max(since("lost"), 0);
  return {
    fps: decoded / seconds,
    arrivedFps: since("arrived") / seconds,
    frozenS: Math.max(since("frozenS"), 0),
    tcp: after.tcp,
    relayed: after.relayed,
    bitrateBps: (since("bytes") * 8) / seconds,
    lostShare: packets + lost > 0 ? lost / (packets + lost) : 0,
    bufferMs: emitted > 0 ? (since("bufferedS") / emitted) * 1000 : null,
    decodeMs: decoded > 0 ? (since("decodingS") / decoded) * 1000 : null,
    roundTripMs: after.roundTripMs,
    height: after.height,
  };
}

// An estimate of the delay without a common clock: half a round trip, jitter buffer, decoding, and half a
// screen refresh.
export function estimatedDelayMs(numbers, refreshMs = 1000 / 60) {
  const { roundTripMs, bufferMs, decodeMs } = numbers;
  if (bufferMs === null || decodeMs === null) return null;
  return (roundTripMs ?? 0) / 2 + bufferMs + decodeMs + refreshMs / 2;
}

export function bitrateWords({ number }, bps) {
  return bps >= 1e6 ? `${number(bps / 1e6, 1)} Mbit/s` : `${number(bps / 1e3)} kbit/s`;
}

export function shareWords({ number }, share) {
  if (share === 0) return `${number(0)} %`;
  return share < 0.001 ? `< ${number(0.1, 1)} %` : `${number(share * 100, 1)} %`;
}

// How old the picture is; not `exact`: an estimate.
export function latencyWords({ say, number }, ms, exact) {
  return exact ? `${number(ms)} ms` : say("live.about", { ms: number(ms) });
}

// {text, title}: the detector's rate or its state; `text` is null without a detector.
export function detectorRate({ say, number }, detector) {
  if (detector?.state === "running" && typeof detector.fps === "number") {
    const key = detector.experimental ? "live.detector.experimental" : "live.detector.runs";
    const { model, provider } = detector;
    return { text: say("live.fps", { fps: number(detector.fps) }), title: say(key, { model, provider }) };
  }
  return { text: detector ? stateWords(say, "live.detector", detector.state) : null, title: "" };
}

// Whether the feed is sent on to another server, and what of it: {text, title}; null when that is not configured.
export function publishWords(words, publish) {
  if (!publish) return null;
  const { sent } = publish;
  const parts = [stateWords(words.say, "live.publish", publish.state)];
  if (sent) parts.push(sent.rendition, bitrateWords(words, sent.bitrate_bps));
  return { text: parts.filter(Boolean).join(" · "), title: [publish.host, publish.reason].filter(Boolean).join(": ") };
}

// A state without a text is shown by its name.
export function stateWords(say, of, state) {
  const key = `${of}.${state}`;
  const text = say(key);
  return text === key ? state : text;
}
