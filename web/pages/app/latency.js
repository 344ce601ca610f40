// How old the picture on the screen is, from the best source there is:
// the timecode strip in the picture (exact, needs a common clock), else the capture time that the
// browser works out from RTCP.

import { makeReader } from "./timecode.js";

const READ_EVERY_MS = 500;
const FRESH_MS = 2000;
// Beyond this it is a wrong clock, not a delay.
const BELIEVABLE_MS = 10000;

// `stationAhead()` gives the station's clock minus this one in ms, or null when it is not known.
export function makeLatency(stationAhead) {
  let reader = null;
  let lastRead = 0;
  let strip = null;
  let capture = null;

  return {
    seen(video, now, metadata) {
      // A callback that comes late shows a later picture than the one it tells of.
      const shownAt = Math.max(metadata?.expectedDisplayTime ?? now, performance.now());
      if (metadata?.captureTime !== undefined) {
        capture = believable(now, shownAt - metadata.captureTime, false);
      }
      const ahead = stationAhead();
      if (ahead === null || now - lastRead < READ_EVERY_MS) return;
      lastRead = now;
      reader ??= makeReader();
      const producedMs = reader(video);
      if (producedMs === null) return;
      strip = believable(now, performance.timeOrigin + shownAt + ahead - producedMs, true);
    },
    newest(now = performance.now()) {
      return [strip, capture].find((reading) => reading && now - reading.at < FRESH_MS) ?? null;
    },
  };
}

function believable(at, ms, exact) {
  return ms > 0 && ms < BELIEVABLE_MS ? { at, ms, exact } : null;
}
