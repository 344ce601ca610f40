// The lists of the control page: viewers, health, join codes, what was done, and the log. Each is drawn only when it
// differs from what stands there.

import { keepTrying } from "../app/images.js";
import { byId, setText, withCode } from "../app/page.js";
import { plainAddress, version } from "../join/codes.js";
import { make } from "./make.js";
import { duration, moment } from "./times.js";
import { auditWords, checkName, healthWords, renditionChangeText } from "./words.js";

const drawn = new Map(); // by the list's id

function fill(id, entries, language, makeEntry) {
  const key = JSON.stringify([entries, language]);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  byId(id).replaceChildren(...entries.map(makeEntry));
}

export function forgetLists() {
  for (const id of drawn.keys()) byId(id).replaceChildren();
  drawn.clear();
}

export function drawViewers(viewers, words) {
  const { say, language } = words;
  setText(byId("viewers-count"), words.number(viewers.length));
  const seen = viewers.map(({ connected, age_s, rendition, rendition_change }) => {
    const state = connected ? (rendition ?? "–") : say("control.viewers.connecting");
    return [state, duration(age_s), renditionChangeText(words, rendition_change)].filter(Boolean).join(", ");
  });
  fill("viewers-list", seen, language, (textContent) => make("li", { textContent }));
  byId("viewers-none").hidden = viewers.length > 0;
}

export function drawHealth(checks, words) {
  const { tone, text } = healthWords(words, checks);
  setText(byId("health-state"), text);
  byId("health-state").dataset.tone = tone;
  fill("health-list", checks, words.language, ({ name, state, message, fix }) => {
    const line = make("p", {}, make("b", { textContent: `${checkName(words, name)}: ` }), ...withCode(message));
    const lines = fix ? [line, make("p", { className: "small" }, ...withCode(words.say("control.health.fix", { fix })))] : [line];
    const item = make("li", {}, make("span", { className: "badge", textContent: words.say(`control.health.${state}`) }), make("div", {}, ...lines));
    item.dataset.state = state;
    return item;
  });
}

export function drawJoin(join, words) {
  const { say, language } = words;
  const codes = [
    join.wifi && { name: "wifi", title: say("join.wifi"), alt: say("join.wifi.code"), text: join.wifi.ssid },
    { name: "booth", title: say("join.booth"), alt: say("join.booth.code"), text: plainAddress(join.booth_url) },
    join.feed_url && { name: "feed", title: say("link.live"), alt: say("control.join.feed"), text: plainAddress(join.feed_url) },
  ].filter(Boolean);
  const tag = version(join);
  fill("join-list", codes, language, ({ name, title, alt, text }) => {
    const image = keepTrying(make("img", { alt, src: `qr/${name}.svg?v=${tag}` }));
    return make("li", {}, image, make("b", { textContent: title }), make("span", { className: "name", textContent: text }));
  });
}

export function drawAudit(entries, words, nowMs) {
  const lines = entries.map((entry) => [entry.at, auditWords(words, entry)]);
  fill("audit-list", lines, words.language, ([at, text]) => make("li", {}, time(at, nowMs, words.language), ` ${text}`));
  byId("audit-none").hidden = entries.length > 0;
}

export function drawLog(lines, words, nowMs) {
  const list = byId("log-scroll");
  // Somebody who reads older lines stays there.
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  fill("log-list", lines, words.language, ({ at, level, text }) => {
    const item = make("li", {}, time(at, nowMs, words.language), " ", make("b", { textContent: level }), ` ${text}`);
    item.dataset.level = level.toLowerCase();
    return item;
  });
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function time(at, nowMs, language) {
  return make("time", { dateTime: at, textContent: moment(Date.parse(at), nowMs, language) });
}
