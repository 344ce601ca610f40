// Numbers out of RTCPeerConnection.getStats(). Pure: takes two looks at the counters and gives what
// happened between them.

// What is kept of one getStats() report; null if no video flows yet.
export function look(report) {
  let video = null;
  let pair = null;
  for (const stat of report.values()) {
    if (stat.type === "inbound-rtp" && stat.kind === "video") video = stat;
    const carrying = stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded";
    if (carrying && (stat.bytesReceived ?? 0) >= (pair?.bytesReceived ?? 0)) pair = stat;
  }
  if (!video) return null;
  return {
    atMs: video.timestamp,
    bytes: video.bytesReceived ?? 0,
    packets: video.packetsReceived ?? 0,
    lost: video.packetsLost ?? 0,
    decoded: video.framesDecoded ?? 0,
    emitted: video.jitterBufferEmittedCount ?? 0,
    bufferedS: video.jitterBufferDelay ?? 0,
    decodingS: video.totalDecodeTime ?? 0,
    frozen: video.freezeCount ?? 0,
    width: video.frameWidth ?? 0,
    height: video.frameHeight ?? 0,
    roundTripMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
  };
}

// Null until there are two looks some time apart.
export function between(before, after) {
  if (!before || !after || after.atMs - before.atMs < 100) return null;
  // A new connection counts from zero again.
  if (after.bytes < before.bytes || after.decoded < before.decoded) return null;
  const seconds = (after.atMs - before.atMs) / 1000;
  const decoded = after.decoded - before.decoded;
  const emitted = after.emitted - before.emitted;
  const packets = after.packets - before.packets;
  const lost = Math.max(after.lost - before.lost, 0);
  return {
    fps: decoded / seconds,
    bitrateBps: ((after.bytes - before.bytes) * 8) / seconds,
    lostShare: packets + lost > 0 ? lost / (packets + lost) : 0,
    bufferMs: emitted > 0 ? ((after.bufferedS - before.bufferedS) / emitted) * 1000 : null,
    decodeMs: decoded > 0 ? ((after.decodingS - before.decodingS) / decoded) * 1000 : null,
    roundTripMs: after.roundTripMs,
    frozen: after.frozen,
    width: after.width,
    height: after.height,
  };
}

// What this side can know of the delay without a clock in common: the way here, the wait in the
// buffer, the decoding, and on average half a refresh of the screen.
export function delayOnTheWayMs(numbers, refreshMs = 1000 / 60) {
  const { roundTripMs, bufferMs, decodeMs } = numbers;
  if (bufferMs === null || decodeMs === null) return null;
  return (roundTripMs ?? 0) / 2 + bufferMs + decodeMs + refreshMs / 2;
}
