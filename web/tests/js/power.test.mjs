import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { detailWords, reasonWords } from "../../pages/admin/power.js";
import { makeWords } from "../../pages/app/language.js";
import { ENGLISH } from "../../pages/app/live_words.js";
import { stationWords } from "../../pages/app/notices.js";
import { durationWords, lowWords, powerParts } from "../../pages/app/power_words.js";
import { entries } from "../../pages/app/quality.js";

const table = (code) => JSON.parse(readFileSync(new URL(`../../pages/lang/${code}.json`, import.meta.url), "utf8"));
const live = makeWords("en", ENGLISH, ENGLISH);
const all = Object.fromEntries(["en", "de", "es"].map((code) => [code, makeWords(code, table(code), table("en"))]));

const power = (battery = {}, more = {}) => ({
  choice: "auto",
  profile: "balanced",
  reason: "battery",
  mains: false,
  battery: { percent: 80.4, status: "discharging", watts: 12.34, seconds_left: 6000, seconds_to_full: null, health_percent: 91, cycles: 57, is_low: false, ...battery },
  temperature: { sensor: "x86_pkg_temp", celsius: 56 },
  throttles: 3,
  package_watts: null,
  suspensions: 0,
  ...more,
});
const said = (words, of) => powerParts(words, of).join(" · ");

test("level, what the battery does, for how long, and the profile", () => {
  assert.equal(said(live, power()), "80 % · on battery · about 1 h 40 min left · balanced");
  assert.equal(said(all.de, power()), "80 % · Akkubetrieb · noch etwa 1 h 40 min · ausgewogen");
  assert.equal(said(all.es, power()), "80 % · con batería · quedan unos 1 h 40 min · equilibrado");
  const charging = power({ status: "charging", seconds_left: null, seconds_to_full: 1800 }, { mains: true, profile: "full" });
  assert.equal(said(live, charging), "80 % · charging · full in about 30 min · full power");
  const full = power({ status: "full", seconds_left: null }, { mains: true, profile: "full" });
  assert.equal(said(live, full), "80 % · on mains · full power");
});

test("what is unknown is not invented", () => {
  const none = power({}, { battery: null, mains: null, profile: "full", reason: "no_battery", temperature: null, throttles: null });
  assert.equal(said(live, none), "no battery · full power");
  assert.deepEqual(detailWords(all.en, none), []);
  const unknown = power({ percent: null, status: null, seconds_left: null }, { mains: null });
  assert.equal(said(live, unknown), "level unknown · balanced");
});

test("a low battery is told with its level", () => {
  assert.equal(lowWords(live.say, power()), null);
  assert.equal(lowWords(live.say, null), null);
  const low = power({ percent: 8.6, is_low: true });
  assert.equal(lowWords(live.say, low), "The station's battery is low: 9 %.");
  const source = { state: "live" };
  assert.equal(stationWords(live.say, { source, power: low })[0].text, lowWords(live.say, low));
  assert.deepEqual(stationWords(live.say, { source }), [], "visitors are not told");
});

test("heat, wear and the reason of the profile are told to the owner", () => {
  const details = detailWords(all.en, power()).join("; ");
  assert.equal(details, "12.3 W; 56 °C (x86_pkg_temp); slowed down by heat 3 times; battery holds 91 % of what it held when new; 57 charge cycles");
  assert.match(reasonWords(all.de, power()), /Akku/);
  for (const reason of ["chosen", "no_battery", "mains", "battery", "low_level", "heat"]) {
    for (const words of Object.values(all)) assert.notEqual(reasonWords(words, { reason }), reason);
  }
  assert.equal(reasonWords(all.en, { reason: "new one" }), "new one");
});

test("times are hours and minutes", () => {
  const time = (seconds) => durationWords(live, seconds);
  assert.deepEqual([5, 59 * 60, 3600, 7290].map(time), ["1 min", "59 min", "1 h 0 min", "2 h 2 min"]);
});

test("a rendition that is not offered says why and cannot be chosen", () => {
  const list = entries(live.say, [{ name: "720p", height: 720, offered: false }, { name: "360p", height: 360, offered: true }], 360);
  assert.deepEqual(list.map(({ text, disabled }) => [text, disabled]), [["Auto (360p)", false], ["720p (off to save power)", true], ["360p", false]]);
});
