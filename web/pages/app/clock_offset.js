// How far the station's clock is ahead of this one, from question and answer (NTP's idea: the
// quickest exchange of the last few is the truest, and half of it was the way there).

const KEPT = 20;

export function initialOffset() {
  return { samples: [], offsetMs: null, errorMs: null };
}

export function withSample(offset, askedAt, answeredAt, stationMs) {
  const roundTripMs = Math.max(answeredAt - askedAt, 0);
  const sample = { roundTripMs, offsetMs: stationMs - (askedAt + answeredAt) / 2 };
  const samples = [...offset.samples, sample].slice(-KEPT);
  const best = samples.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
  return { samples, offsetMs: best.offsetMs, errorMs: best.roundTripMs / 2 };
}
