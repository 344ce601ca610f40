// Times as people say them, in the visitor's language. Pure.

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", Infinity],
];

// "3 minutes ago". A time in the future, by a clock that differs, is now.
export function ago(atMs, nowMs, language) {
  let count = Math.max((nowMs - atMs) / 1000, 0);
  let unit = "second";
  for (const [name, size] of STEPS) {
    unit = name;
    if (count < size) break;
    count /= size;
  }
  const whole = Math.floor(count);
  return formatter(Intl.RelativeTimeFormat, language, { numeric: unit === "second" && whole === 0 ? "auto" : "always" })
    .format(-whole, unit);
}

// The time of day, with the date unless it is today's.
export function moment(atMs, nowMs, language) {
  const [at, now] = [new Date(atMs), new Date(nowMs)];
  const time = { hour: "numeric", minute: "2-digit", second: "2-digit" };
  const isToday = at.toDateString() === now.toDateString();
  const style = isToday ? time : { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };
  return formatter(Intl.DateTimeFormat, language, style).format(at);
}

// "1 h 5 min" for a time in seconds.
export function duration(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function wholeSeconds(ms) {
  return Math.max(Math.ceil(ms / 1000), 0);
}

// The owner may name a language file after a language that the browser does not know.
function formatter(Kind, language, options) {
  try {
    return new Kind(language, options);
  } catch {
    return new Kind("en", options);
  }
}
