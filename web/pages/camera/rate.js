// What is sent and what comes back, from the browser's statistics. Pure.

// `stats`: values of an RTCStatsReport; `before`: what this gave last, or null.
export function sent(stats, before) {
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

// A number that changes whenever something of the station was heard: its reports, its answers to
// checks, checks of its own.
export function heard(reports) {
  let count = 0;
  for (const { type, bytesReceived = 0, responsesReceived = 0, requestsReceived = 0 } of reports) {
    if (type === "transport") count += bytesReceived;
    if (type === "candidate-pair") count += responsesReceived + requestsReceived;
  }
  return count;
}
