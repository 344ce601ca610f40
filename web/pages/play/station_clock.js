// The station's clock, seen from this one. Pure; all times are in milliseconds.
//
// A message with the station's time says how far its clock is ahead at least, since it took a while to arrive, or was
// written for somebody else before; an answer that was written for a request also says how far at most. A sample that
// contradicts those of before means that a clock was set.

export function initialClock() {
  return { least: -Infinity, most: Infinity };
}

// `askedAt` is null for a message.
export function withSample(clock, { stationMs, askedAt = null, receivedAt }) {
  const least = stationMs - receivedAt;
  const most = askedAt === null ? Infinity : stationMs - askedAt;
  const next = { least: Math.max(clock.least, least), most: Math.min(clock.most, most) };
  return next.least <= next.most ? next : { least, most };
}

// The station's time at `now` of this clock; null before the first sample.
export function stationTime({ least, most }, now) {
  if (least === -Infinity) return null;
  return now + (most === Infinity ? least : (least + most) / 2);
}
