// The texts of the station's battery, mains and power profile, for the owner. Pure; `words` are those of language.js.
// `power` is that of /api/status; whatever is unknown is null.

export function durationWords({ say }, seconds) {
  const minutes = Math.max(Math.round(seconds / 60), 1);
  if (minutes < 60) return say("live.power.minutes", { minutes });
  return say("live.power.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

// Level, what the battery does, for how long, and the profile.
export function powerParts(words, { battery, mains, profile }) {
  const { say } = words;
  const parts = [];
  if (battery) parts.push(battery.percent === null ? say("live.power.unknown") : percentWords(words, battery.percent));
  else parts.push(say("live.power.none"));
  if (battery?.status === "charging") parts.push(say("live.power.charging"));
  else if (battery?.status === "discharging") parts.push(say("live.power.discharging"));
  else if (mains !== null) parts.push(say(mains ? "live.power.mains" : "live.power.discharging"));
  if (typeof battery?.seconds_left === "number") parts.push(say("live.power.left", { time: durationWords(words, battery.seconds_left) }));
  if (typeof battery?.seconds_to_full === "number") parts.push(say("live.power.full", { time: durationWords(words, battery.seconds_to_full) }));
  parts.push(say(`live.power.profile.${profile}`));
  return parts;
}

export function percentWords({ number }, percent) {
  return `${number(percent)} %`;
}

// That the station's battery is low, which only its owner is told; null: it is not.
export function lowWords(say, power) {
  const battery = power?.battery;
  if (!battery?.is_low || battery.percent === null) return null;
  return say("live.power.low", { percent: Math.round(battery.percent) });
}
