// What the page says of other carriers, in words. Pure.

import { ago } from "./times.js";

// {title, facts, isHere} of a paired carrier.
export function carrierWords(words, carrier, nowMs) {
  const { say, number, language } = words;
  const { state, round_trip_ms: roundTripMs, heard_s_ago: heardAgo } = carrier;
  const heard = heardAgo === null ? say("control.carriers.never") : say("control.carriers.away", { when: ago(nowMs - heardAgo * 1000, nowMs, language) });
  const way = {
    connected: roundTripMs === null ? say("control.carriers.here") : say("control.carriers.here.ms", { ms: number(roundTripMs) }),
    through_others: say("control.carriers.through"),
    away: heard,
  }[state];
  const isHere = state !== "away";
  const counts = isHere && carrier.persons !== null ? [say("control.carriers.persons", { count: carrier.persons }), say("control.carriers.viewers", { count: carrier.viewers })] : [];
  const shutter = isHere && carrier.is_shutter_closed ? say("control.carriers.shutter") : null;
  return { title: carrier.name, facts: [way, shutter, ...counts].filter(Boolean), isHere };
}

// Why there is nothing to pair with; null: there is.
export function hindrance(words, { is_built_in: isBuiltIn, enabled, failure, id }) {
  const { say } = words;
  if (!isBuiltIn) return say("control.carriers.not_built");
  if (!enabled) return say("control.carriers.off");
  if (failure && !id) return say("control.carriers.failed", { why: failure });
  return null;
}

// "4:05" until the code ends.
export function codeClock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
