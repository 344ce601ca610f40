// Asks for all parts of the page with one timer. Hidden pages ask for nothing. While the station does not answer,
// a single part is asked for, with exponential back-off.

import { waitMs } from "../app/backoff.js";

// The wanted parts that are due now, in their order. `next` has the time of each part that was asked for before.
export function dueParts(parts, next, now) {
  return Object.keys(parts).filter((name) => parts[name].wanted() && (next.get(name) ?? 0) <= now);
}

// How long until a wanted part is due; null: nothing is wanted.
export function pauseMs(parts, next, now) {
  const wanted = Object.keys(parts).filter((name) => parts[name].wanted());
  if (wanted.length === 0) return null;
  return Math.max(Math.min(...wanted.map((name) => next.get(name) ?? 0)) - now, 0);
}

// `parts`: {name: {everyMs, wanted(), load()}}; load() gives {isGone, retryAfterMs}. `report(failures)` is called
// after each round with the number of rounds in a row without an answer.
export function makePoller({ parts, report, isVisible = () => !document.hidden, clock = () => performance.now() }) {
  const next = new Map();
  let timer = 0;
  let isOn = false;
  let isAsking = false;
  let isAskedAgain = false;
  let failures = 0;
  let heldUntil = 0;

  async function turn() {
    clearTimeout(timer);
    if (isAsking) {
      isAskedAgain = true;
      return;
    }
    if (!isOn || !isVisible()) return;
    isAsking = true;
    const due = clock() < heldUntil ? [] : dueParts(parts, next, clock());
    const names = failures > 0 ? due.slice(0, 1) : due;
    const answers = await Promise.all(names.map(load));
    isAsking = false;
    if (names.length > 0) count(answers);
    plan();
  }

  async function load(name) {
    next.set(name, clock() + parts[name].everyMs);
    return parts[name].load();
  }

  function count(answers) {
    const wasGone = failures > 0;
    failures = answers.every(({ isGone }) => isGone) ? failures + 1 : 0;
    heldUntil = clock() + Math.max(...answers.map(({ retryAfterMs }) => retryAfterMs ?? 0));
    if (failures > 0) heldUntil = clock() + waitMs(failures, heldUntil - clock());
    if (failures > 0 || wasGone) next.clear();
    report(failures);
  }

  function plan() {
    if (!isOn || !isVisible()) return;
    if (isAskedAgain) {
      isAskedAgain = false;
      turn();
      return;
    }
    const pause = pauseMs(parts, next, clock());
    if (pause !== null) timer = setTimeout(turn, Math.max(pause, heldUntil - clock()));
  }

  return {
    set(yes) {
      isOn = yes;
      next.clear();
      failures = 0;
      heldUntil = 0;
      turn();
    },
    // Asks for these parts at once, without names for all.
    soon(...names) {
      if (names.length === 0) {
        next.clear();
        heldUntil = 0;
      }
      for (const name of names) next.delete(name);
      turn();
    },
    turn,
  };
}
