// The texts of the control page that depend on values. Pure; `words` are those of language.js.

import { ago, moment } from "./times.js";

// A value without a text of its own is shown by its name.
export function named(words, key, name) {
  return words.knows(`${key}.${name}`) ? words.say(`${key}.${name}`) : String(name);
}

// {state, since, reason, button, isClosed}: what is said of the shutter, which may be null (not known yet).
export function shutterWords(words, shutter, nowMs) {
  const { say, language } = words;
  if (!shutter) {
    return { state: say("control.shutter.unknown"), since: "", reason: "", button: say("control.shutter.close"), isClosed: null };
  }
  const at = Date.parse(shutter.since);
  const by = named(words, "control.by", shutter.by);
  const who = shutter.who ? say("control.shutter.who", { by, who: shutter.who }) : by;
  return {
    state: say(shutter.closed ? "control.shutter.closed" : "control.shutter.open"),
    since: Number.isNaN(at)
      ? who
      : say("control.shutter.since", { time: moment(at, nowMs, language), ago: ago(at, nowMs, language), by: who }),
    reason: shutter.reason ? say("control.shutter.because", { reason: shutter.reason }) : "",
    button: say(shutter.closed ? "control.shutter.reopen" : "control.shutter.close"),
    isClosed: shutter.closed,
  };
}

// Why the station did not do what was asked, for an answer of api.js.
export function failureWords({ say }, { status, retryAfterMs, detail }) {
  if (status === 0 || status >= 500) return detail ? say("control.failed.because", { detail }) : say("control.failed.unanswered");
  if (status === 429) return say("control.failed.wait", { count: Math.max(Math.ceil(retryAfterMs / 1000), 1) });
  return detail ? say("control.failed.because", { detail }) : say("control.failed.refused");
}

export function settingLabel(words, key) {
  return named(words, "control.set", key);
}

export function choiceLabel(words, key, choice) {
  return named(words, `control.choice.${key}`, choice);
}

// The sentence that explains a choice, or "".
export function choiceHelp(words, key, choice) {
  const text = `control.choice.${key}.${choice}.help`;
  return words.knows(text) ? words.say(text) : "";
}

// How a number is shown: {factor, unit, digits}. The page's number is the setting's divided by `factor`.
export function scaleOf({ key, min, max, step, unit }) {
  if (key === "camera.rotation" || key === "camera.controls.rotation") return { factor: 1, unit: "°", digits: 0 };
  if (min === 0 && max === 1) return { factor: 0.01, unit: "%", digits: 0 };
  if (unit === "bit/s") return { factor: 1e6, unit: "Mbit/s", digits: 1 };
  return { factor: 1, unit: unit ?? "", digits: Number.isInteger(step ?? 1) ? 0 : 2 };
}

// Some settings have a value that is no number: nothing, or 0 for no limit.
export function numberWords(words, setting, value) {
  const special = `control.${value === null ? "unset" : "zero"}.${setting.key}`;
  if ((value === null || value === 0) && words.knows(special)) return words.say(special);
  const { factor, unit, digits } = scaleOf(setting);
  return `${words.number(value / factor, digits)} ${unit}`.trim();
}

// A setting's value as text.
export function valueWords(words, setting, value = setting.value) {
  switch (setting.kind) {
    case "choice":
      return choiceLabel(words, setting.key, value);
    case "flag":
      return words.say(value ? "control.on" : "control.off");
    case "number":
      return numberWords(words, setting, value);
    case "list":
      return value.length > 0 ? value.map((one) => setting.names?.[one] ?? one).join(", ") : words.say("control.everything");
    case "scores":
      return Object.entries(value).sort().map(([name, score]) => `${name} ${numberWords(words, setting, score)}`).join(", ") || "–";
    case "renditions":
      return value.map(({ height, bitrate_bps }) => `${height}p ${words.number(bitrate_bps / 1000)}`).join(", ") + " kbit/s";
    case "secret":
      return words.say(setting.is_set ? "control.on" : "control.off");
    case "cameras":
      return Object.keys(value).join(", ") || "–";
    case "zones":
      return words.say("control.zones.count", { count: value.length });
    case "polygons":
      return words.say("control.masks.count", { count: value.length });
    default:
      return value === null ? "–" : String(value);
  }
}

// {tone, text} of a camera that has a name.
export function cameraWords(words, { state, reason }) {
  const text = named(words, "control.camera.state", state);
  const tone = { live: "good", failed: "bad" }[state] ?? "";
  return { tone, text: reason ? `${text}: ${reason}` : text };
}

// {tone, text} of whether the station keeps what a privacy mode promises; null where there is nothing to say.
export function promiseWords({ say }, privacy) {
  if (!privacy || privacy.mode === "open") return null;
  const key = { kept: "kept", weak: "weak" }[privacy.promise] ?? "none";
  const text = say(`control.promise.${key}`);
  return { tone: key === "kept" ? "good" : "bad", text: privacy.note ? `${text} ${privacy.note}` : text };
}

// What is known of the booth's queue, or "".
export function queueWords({ say }, booth) {
  if (!booth) return "";
  return booth.error ?? say("control.booth.waiting", { count: booth.waiting });
}

// {tone, text} over all checks of the station's health.
export function healthWords({ say }, checks) {
  const count = (state) => checks.filter((check) => check.state === state).length;
  if (count("error") > 0) return { tone: "bad", text: say("control.health.errors", { count: count("error") }) };
  if (count("warning") > 0) return { tone: "busy", text: say("control.health.warnings", { count: count("warning") }) };
  return { tone: "good", text: say("control.health.good") };
}

// What a check of the station's health is about.
export function checkName(words, name) {
  return named(words, "control.check", name);
}

// What happened, as the audit file names it in English: "shutter closed".
export function auditWords(words, { what, by, reason }) {
  const [doing, ...about] = what.split(": ");
  const done = named(words, "control.audit", doing.replaceAll(" ", "_")).replaceAll("_", " ");
  const text = `${[done, ...about].join(": ")}, ${named(words, "control.by", by)}`;
  return reason ? `${text}: ${reason}` : text;
}

// Why the station last changed a viewer's rendition, or "".
export function renditionChangeText(words, cause) {
  return cause ? words.say("control.viewers.because", { cause: named(words, "live.change", cause) }) : "";
}
