// Exponential back-off.

const FIRST_MS = 500;
const LONGEST_MS = 5000;
const RETRY_AFTER_MAX_MS = 30000;

// The pause before the next request. `failures` counts attempts that failed in a row; a server's
// Retry-After (`askedForMs`) is honoured up to 30 s.
export function waitMs(failures, askedForMs = 0) {
  return Math.max(doubled(failures, LONGEST_MS), Math.min(askedForMs, RETRY_AFTER_MAX_MS));
}

export function doubled(failures, longestMs) {
  return Math.min(FIRST_MS * 2 ** Math.max(failures - 1, 0), longestMs);
}

export function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// Repeats `attempt` until it no longer throws.
export async function retried(attempt) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch {
      await sleep(waitMs(failures));
    }
  }
}

// The value of a Retry-After header in seconds (RFC 9110, 10.2.3) as milliseconds; 0 for none or a date.
export function retryAfterMs(value) {
  const seconds = Number(value);
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
