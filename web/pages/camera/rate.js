// What is sent, from the browser's statistics. Pure.

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
