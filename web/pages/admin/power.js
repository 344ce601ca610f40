// Battery, mains and profile of the station on the control page. Draws what /api/status says; the profile is a setting.

import { byId, setText } from "../app/page.js";
import { lowWords, percentWords, powerParts } from "../app/power_words.js";

export function drawPower(power, words) {
  byId("power-state").hidden = !power;
  setText(byId("power-state"), power ? powerParts(words, power).join(" · ") : "");
  const low = lowWords(words.say, power);
  byId("power-low").hidden = low === null;
  setText(byId("power-low"), low ?? "");
  setText(byId("power-reason"), power ? reasonWords(words, power) : "");
  const details = power ? detailWords(words, power) : [];
  byId("power-details").hidden = details.length === 0;
  setText(byId("power-details"), details.join(" · "));
}

export function reasonWords({ say, knows }, { reason }) {
  const key = `control.power.reason.${reason}`;
  return knows(key) ? say(key) : reason;
}

// What is known of watts, heat and wear.
export function detailWords(words, { battery, temperature, throttles, package_watts }) {
  const { say, number } = words;
  const parts = [];
  if (typeof battery?.watts === "number") parts.push(say("control.power.watts", { watts: number(battery.watts, 1) }));
  if (typeof package_watts === "number") parts.push(say("control.power.package", { watts: number(package_watts, 1) }));
  if (temperature) parts.push(say("control.power.temperature", { celsius: number(temperature.celsius), sensor: temperature.sensor }));
  if (typeof throttles === "number") parts.push(say("control.power.throttles", { count: throttles }));
  if (typeof battery?.health_percent === "number") parts.push(say("control.power.health", { percent: percentWords(words, battery.health_percent) }));
  if (typeof battery?.cycles === "number") parts.push(say("control.power.cycles", { count: battery.cycles }));
  return parts;
}
