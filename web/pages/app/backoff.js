// How long to wait before the next attempt: half a second, doubling to five.

export const FIRST_MS = 500;
export const LONGEST_MS = 5000;

// `failures` counts attempts that failed in a row. The server may ask for more (Retry-After);
// it never gets less than it asked for, and never makes a viewer wait over half a minute.
export function waitMs(failures, askedForMs = 0) {
  const doubled = FIRST_MS * 2 ** Math.min(Math.max(failures - 1, 0), 10);
  return Math.max(Math.min(doubled, LONGEST_MS), Math.min(askedForMs, 30000));
}
