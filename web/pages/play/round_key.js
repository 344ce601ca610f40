// The key of the round that this visitor started. It outlives a reload, and ends with the tab.

import { recall, remember } from "../app/page.js";

const NAME = "carrier.play.round";

// {round, key}; null where this visitor has started none.
export function ownRound() {
  try {
    return JSON.parse(recall(NAME, "sessionStorage"));
  } catch {
    return null;
  }
}

export function keepOwnRound({ round, key }) {
  remember(NAME, JSON.stringify({ round, key }), "sessionStorage");
}

export function keyHeader({ key }) {
  return { "X-Round-Key": key };
}
