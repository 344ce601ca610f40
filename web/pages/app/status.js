// Polls /api/status every two seconds, every second without a live picture, and derives the station's clock.

const LIVE_MS = 2000;
const NOT_LIVE_MS = 1000;
const RESTARTING_MS = [500, 2500]; // while the station restarts: so many viewers do not come back at once
const TIMEOUT_MS = 3000;

// `tell` gets reached, unreachable, stopping and restarted of connection.js, `show` the status. The result's `clock()` is
// as withSample() gives it.
export function makeStatus({ tell, show }) {
  let timer = 0;
  let asking = false;
  let live = false;
  let restarting = false;
  let uptime = 0;
  let clock = initialClock();

  async function ask() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    const abort = new AbortController();
    const timeout = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      const askedAt = Date.now();
      const response = await fetch("api/status", { cache: "no-store", signal: abort.signal });
      const answeredAt = Date.now();
      if (!response.ok) throw new Error(`status ${response.status}`);
      const status = await response.json();
      restarting = Boolean(status.stopping);
      tell({ type: answerEvent(status, uptime) });
      uptime = status.uptime_s;
      if (typeof status.now_ms === "number") clock = withSample(clock, askedAt, answeredAt, status.now_ms);
      show(status);
    } catch {
      tell({ type: "unreachable" });
    } finally {
      clearTimeout(timeout);
      asking = false;
      plan();
    }
  }

  function plan() {
    clearTimeout(timer);
    if (document.hidden) return;
    timer = setTimeout(ask, pauseMs({ live, restarting }, Math.random()));
  }

  return {
    ask,
    clock: () => clock,
    live(yes) {
      if (yes === live) return;
      live = yes;
      plan();
    },
  };
}

// `uptime`: of the answer before.
export function answerEvent(status, uptime) {
  if (status.stopping) return "stopping";
  return status.uptime_s < uptime ? "restarted" : "reached";
}

// Jitter, so that many viewers who lost the same station do not ask at the same time; `random` is from 0 to 1.
export function pauseMs({ live, restarting }, random) {
  const [least, most] = RESTARTING_MS;
  if (restarting) return least + (most - least) * random;
  return (live ? LIVE_MS : NOT_LIVE_MS) * (0.85 + 0.3 * random);
}

const SAMPLES = 20;

export function initialClock() {
  return { samples: [], offsetMs: null, errorMs: null };
}

// How far the station's clock is ahead of this one, as NTP finds it: the exchange with the shortest round trip
// of the last few is the most exact one, and its answer was written in the middle of it.
export function withSample(clock, askedAt, answeredAt, stationMs) {
  const roundTripMs = Math.max(answeredAt - askedAt, 0);
  const sample = { roundTripMs, offsetMs: stationMs - (askedAt + answeredAt) / 2 };
  const samples = [...clock.samples, sample].slice(-SAMPLES);
  const best = samples.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
  return { samples, offsetMs: best.offsetMs, errorMs: best.roundTripMs / 2 };
}
