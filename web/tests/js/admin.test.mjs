// The control page: signing in, polling, merge patches, masks, times and texts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { detailOf, isGone } from "../../pages/admin/api.js";
import { interfaceWords } from "../../pages/admin/network.js";
import { modelChange } from "../../pages/admin/offers.js";
import { changedKeys, isIn, merged, ownerOf, patchOf, toggled, unkept } from "../../pages/admin/patch.js";
import { dueParts, makePoller, pauseMs } from "../../pages/admin/poll.js";
import * as polygon from "../../pages/admin/polygon.js";
import { initial, remainingMs, step, tokenOf } from "../../pages/admin/state.js";
import { ago, duration, moment, wholeSeconds } from "../../pages/admin/times.js";
import * as words from "../../pages/admin/words.js";
import { makeWords } from "../../pages/app/language.js";

const table = (code) => JSON.parse(readFileSync(new URL(`../../pages/lang/${code}.json`, import.meta.url), "utf8"));
const en = makeWords("en", table("en"), table("en"));
const de = makeWords("de", table("de"), table("en"));

// Runs events through the state machine; gives the last state and all actions.
function play(events, from = initial()) {
  let state = from;
  const actions = [];
  for (const [event, now = 0] of events) {
    const next = step(state, event, now);
    state = next.state;
    actions.push(...next.actions);
  }
  return { state, actions };
}

const START = [{ type: "start", hasToken: false, remembered: false }];
const answered = (status, more = {}) => ({ type: "answered", status, ...more });

test("a token in the address signs in at once", () => {
  const { state, actions } = play([[{ type: "start", hasToken: true, remembered: true }], [answered(204)]]);
  assert.deepEqual([state.phase, actions], ["in", ["log_in", "enter"]]);
  assert.equal(tokenOf("#token=a%20b"), "a b");
  assert.equal(tokenOf("#x=1&token=c"), "c");
  assert.equal(tokenOf("#token="), null);
  assert.equal(tokenOf(""), null);
});

test("an earlier session is asked for only where there was one", () => {
  assert.deepEqual(play([START]).actions, []);
  assert.equal(play([START]).state.phase, "out");
  const remembered = [{ type: "start", hasToken: false, remembered: true }];
  assert.deepEqual(play([remembered, [answered(204)]]).actions, ["ask", "enter"]);
  const ended = play([remembered, [answered(401)]]);
  assert.deepEqual([ended.state.phase, ended.state.reason, ended.actions], ["out", "expired", ["ask", "leave"]]);
  const away = play([remembered, [answered(0), 100]]);
  assert.deepEqual([away.state.phase, away.state.reason], ["asking", "unreachable"]);
  const later = play([[{ type: "tick" }, 200], [{ type: "tick" }, 5000]], away.state);
  assert.deepEqual(later.actions, ["ask"], "asked again after the pause, not before");
});

test("a wrong token is said, a second one may follow", () => {
  const { state } = play([START, [{ type: "token" }], [answered(401)]]);
  assert.deepEqual([state.phase, state.reason, state.busy], ["out", "wrong", false]);
  assert.deepEqual(play([[{ type: "token" }]], state).actions, ["log_in"]);
});

test("after too many wrong tokens the form waits as long as the station asks", () => {
  const { state } = play([START, [{ type: "token" }], [answered(429, { retryAfterMs: 5000 }), 1000]]);
  assert.deepEqual([state.reason, remainingMs(state, 2000)], ["limited", 4000]);
  assert.deepEqual(play([[{ type: "token" }, 2000]], state).actions, []);
  assert.equal(play([[{ type: "tick" }, 6000]], state).state.reason, null);
  assert.deepEqual(play([[{ type: "token" }, 6000]], state).actions, ["log_in"]);
});

test("a second press while a token is checked does nothing", () => {
  assert.deepEqual(play([START, [{ type: "token" }], [{ type: "token" }]]).actions, ["log_in"]);
});

test("a session that ends leads back to the form, once", () => {
  const inside = play([[{ type: "start", hasToken: true }], [answered(204)]]).state;
  const { state, actions } = play([[{ type: "unauthorised" }], [{ type: "unauthorised" }]], inside);
  assert.deepEqual([state.phase, state.reason, actions], ["out", "expired", ["leave"]]);
  assert.equal(play([[{ type: "left", everywhere: true }]], inside).state.reason, "everywhere");
  assert.equal(play([[{ type: "nothing" }]], inside).state, inside);
});

test("parts are asked for when they are due and wanted", () => {
  const part = (wanted) => ({ wanted: () => wanted });
  const parts = { a: part(true), b: part(false), c: part(true) };
  assert.deepEqual(dueParts(parts, new Map(), 5), ["a", "c"]);
  assert.deepEqual(dueParts(parts, new Map([["a", 10]]), 5), ["c"]);
  assert.equal(pauseMs(parts, new Map([["a", 10], ["c", 8]]), 5), 3);
  assert.equal(pauseMs({ b: part(false) }, new Map(), 5), null);
});

const turns = () => new Promise((done) => setImmediate(done));

test("without an answer one part is asked for, and all of them when the station is back", async () => {
  const asked = [];
  let isGone = true;
  let now = 0;
  const reports = [];
  const part = (name) => ({ everyMs: 1000, wanted: () => true, load: async () => (asked.push(name), { isGone }) });
  const poller = makePoller({
    parts: { a: part("a"), b: part("b") },
    report: (failures) => reports.push(failures),
    isVisible: () => true,
    clock: () => now,
  });
  poller.set(true);
  await turns();
  assert.deepEqual(asked.splice(0), ["a", "b"]);
  await poller.turn();
  assert.deepEqual(asked.splice(0), [], "held back");
  now = 600;
  await poller.turn();
  assert.deepEqual(asked.splice(0), ["a"]);
  isGone = false;
  now = 5000;
  await poller.turn();
  await poller.turn();
  assert.deepEqual(asked.splice(0), ["a", "a", "b"]);
  assert.deepEqual(reports, [1, 2, 0, 0]);
  poller.set(false);
});

test("a hidden page asks for nothing", async () => {
  let asked = 0;
  const load = async () => ((asked += 1), {});
  const poller = makePoller({ parts: { a: { everyMs: 9, wanted: () => true, load } }, report() {}, isVisible: () => false });
  poller.set(true);
  poller.soon();
  await turns();
  assert.equal(asked, 0);
  poller.set(false);
});

test("merge patches nest their keys, and two become one", () => {
  assert.deepEqual(patchOf("bitrate_bps", 5), { bitrate_bps: 5 });
  const one = patchOf("privacy.mode", "open");
  assert.deepEqual(one, { privacy: { mode: "open" } });
  assert.deepEqual(merged(one, patchOf("privacy.masks", [])), { privacy: { mode: "open", masks: [] } });
  assert.deepEqual(merged(patchOf("a.b", [1]), patchOf("a.b", [2])), { a: { b: [2] } });
  assert.deepEqual(merged(patchOf("a", null), patchOf("b", 1)), { a: null, b: 1 });
  assert.ok(isIn(one, "privacy.mode") && isIn(patchOf("zones", []), "zones"));
  assert.ok(!isIn(one, "privacy.masks") && !isIn(one, "zones") && !isIn({}, "privacy.masks"));
});

test("what differs between two states of the settings", () => {
  const settings = [{ key: "a", value: [1], origin: "live" }, { key: "b", value: 2, origin: "file" }];
  assert.deepEqual(changedKeys(settings, [{ key: "a", value: [1] }, { key: "b", value: 3 }, { key: "c", value: 1 }]), ["b"]);
  assert.deepEqual(unkept(settings).map(({ key }) => key), ["a"]);
  assert.equal(ownerOf([{ key: "privacy.masks" }], "privacy.masks[0].points").key, "privacy.masks");
  assert.equal(ownerOf([{ key: "privacy.mask" }], "privacy.masks"), null);
  assert.equal(ownerOf([{ key: "a" }], undefined), null);
});

test("chips keep the order of the model's classes", () => {
  const classes = ["person", "dog", "cat"];
  assert.deepEqual(toggled(["cat"], "person", classes), ["person", "cat"]);
  assert.deepEqual(toggled(["person", "cat"], "cat", classes), ["person"]);
  assert.deepEqual(toggled(["unknown"], "dog", classes), ["dog", "unknown"]);
});

test("a mask's corners stay in the picture", () => {
  const mask = polygon.newMask("door");
  assert.deepEqual(polygon.movedTo(mask, 0, -3, 0.123456).points[0], [0, 0.1235]);
  assert.deepEqual(polygon.movedBy(mask, 1, 0.5, -0.05).points[1], [1, 0.3]);
  assert.deepEqual(mask.points[0], [0.35, 0.35], "the old mask is unchanged");
  const moved = polygon.shifted(mask, 0.9, -0.9);
  assert.deepEqual(moved.points, [[0.7, 0], [1, 0], [1, 0.3], [0.7, 0.3]], "moved as far as it fits, in its shape");
});

test("corners are added on an edge, and removed down to a triangle", () => {
  const mask = polygon.newMask("door");
  const more = polygon.withCorner(mask, 3);
  assert.deepEqual([more.index, more.mask.points[4]], [4, [0.35, 0.5]], "the last edge leads to the first corner");
  let few = more;
  for (let count = 0; count < 9; count += 1) few = polygon.withoutCorner(few.mask, few.index);
  assert.equal(few.mask.points.length, polygon.CORNERS_MIN);
  let many = more;
  for (let count = 0; count < 99; count += 1) many = polygon.withCorner(many.mask, 0);
  assert.equal(many.mask.points.length, polygon.CORNERS_MAX);
});

test("keys move a corner, with Shift further", () => {
  assert.deepEqual(polygon.keyMove("ArrowLeft", false), [-0.01, 0]);
  assert.deepEqual(polygon.keyMove("ArrowDown", true), [0, 0.05]);
  assert.equal(polygon.keyMove("x", false), null);
  assert.equal(polygon.svgPoints({ points: [[0, 1], [0.5, 0.25], [1, 0]] }), "0,1000 500,250 1000,0");
  assert.equal(polygon.freeName([{ name: "Mask 2" }], "Mask"), "Mask 3");
});

test("times as people say them", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  assert.equal(ago(now - 400, now, "en"), "now");
  assert.equal(ago(now + 9000, now, "en"), "now", "a clock that is ahead");
  assert.equal(ago(now - 59000, now, "en"), "59 seconds ago");
  assert.equal(ago(now - 3 * 60000, now, "de"), "vor 3 Minuten");
  assert.equal(ago(now - 25 * 3600e3, now, "es"), "hace 1 día");
  assert.equal(ago(now - 60000, now, "no_such"), "1 minute ago");
  assert.match(moment(now - 61000, now, "en-GB"), /:59$|:58:59/);
  assert.match(moment(now - 48 * 3600e3, now, "en"), /Nov/);
  assert.deepEqual([duration(7.9), duration(61), duration(3900)], ["7 s", "1 min", "1 h 5 min"]);
  assert.deepEqual([wholeSeconds(1), wholeSeconds(-5)], [1, 0]);
});

const CLOSED = { closed: true, by: "person", who: "admin", reason: "lunch", since: "2026-11-29T12:00:00Z", kept: true };

test("the shutter's state, who changed it, when and why", () => {
  const now = Date.parse(CLOSED.since) + 120000;
  const said = words.shutterWords(en, CLOSED, now);
  assert.equal(said.state, "The camera is closed.");
  assert.match(said.since, /^Since .*\(2 minutes ago\), by a person \(admin\)\.$/);
  assert.deepEqual([said.reason, said.button], ["Reason: lunch", "Open the camera"]);
  const german = words.shutterWords(de, { ...CLOSED, closed: false, by: "schedule", who: null, reason: null }, now);
  assert.deepEqual([german.state, german.reason, german.button], ["Die Kamera ist offen.", "", "Kamera schließen"]);
  assert.match(german.since, /nach dem Zeitplan\.$/);
  assert.match(words.shutterWords(en, { ...CLOSED, by: "moon", who: null }, now).since, /moon/);
  assert.equal(words.shutterWords(en, null, now).button, "Close the camera", "closing is offered before the state is known");
});

test("why something was not done", () => {
  const said = (answer) => words.failureWords(en, { retryAfterMs: 0, detail: "", ...answer });
  assert.equal(said({ status: 0 }), "The station did not answer.");
  assert.equal(said({ status: 429, retryAfterMs: 4100 }), "Not done: too many requests. Wait 5 seconds.");
  assert.equal(said({ status: 409, detail: "no" }), "Not done: no");
  assert.ok(isGone({ status: 0 }) && isGone({ status: 502 }) && !isGone({ status: 404 }));
  assert.equal(detailOf({ title: "t", detail: "d" }), "d");
  assert.equal(detailOf("text\n"), "text");
  assert.equal(detailOf(null), "");
});

test("settings as text, also those that this page does not know", () => {
  const score = { key: "min_score", kind: "number", value: 0.35, min: 0, max: 1, step: 0.01 };
  assert.equal(words.valueWords(en, score), "35 %");
  const rate = { key: "bitrate_bps", kind: "number", value: 2500000, unit: "bit/s" };
  assert.equal(words.valueWords(de, rate), "2,5 Mbit/s");
  assert.equal(words.valueWords(en, { key: "x", kind: "number", value: 3, unit: "ms" }), "3 ms");
  assert.equal(words.valueWords(en, { key: "privacy.mode", kind: "choice", value: "blur_faces" }), "Faces blurred");
  assert.equal(words.valueWords(en, { key: "classes", kind: "list", value: [] }), "Everything");
  assert.equal(words.settingLabel(en, "camera.zoom"), "camera.zoom");
  assert.equal(words.choiceLabel(en, "model", "yolox_nano"), "yolox_nano");
  assert.equal(words.choiceHelp(en, "model", "yolox_nano"), "");
});

test("what the station promises of the privacy mode", () => {
  const said = (privacy) => words.promiseWords(en, privacy);
  assert.equal(said(undefined), null);
  assert.equal(said({ mode: "open", promise: "none", note: null }), null);
  assert.equal(said({ mode: "blur_faces", promise: "kept", note: null }).tone, "good");
  const weak = said({ mode: "blur_people", promise: "weak", note: "5 detections a second." });
  assert.deepEqual([weak.tone, /too weak.*5 detections/.test(weak.text)], ["bad", true]);
});

test("health, the record, and why a viewer's quality changed", () => {
  const checks = (...states) => states.map((state) => ({ state }));
  assert.equal(words.healthWords(en, checks("ok", "off")).text, "all well");
  assert.equal(words.healthWords(en, checks("ok", "warning", "warning")).text, "2 warnings");
  assert.equal(words.healthWords(en, checks("warning", "error")).text, "1 fault");
  assert.equal(words.auditWords(en, { what: "shutter closed", by: "signal", reason: null }), "Shutter closed, by a signal to the program");
  assert.equal(words.auditWords(en, { what: "gallery pictures erased: 3", by: "person", reason: null }), "Pictures of the gallery deleted: 3, by a person");
  assert.equal(words.auditWords(en, { what: "model changed", by: "admin", reason: "x" }), "model changed, with the admin token: x");
  assert.equal(words.renditionChangeText(en, "loss"), "quality changed because packets are lost");
  assert.equal(words.renditionChangeText(en, undefined), "");
});

test("a network is described by what is known of it", () => {
  const wifi = { name: "wlan0", kind: "wifi", is_up: true, is_default_route: true, addresses: ["10.0.0.9"], ssid: "hall", signal_percent: 72 };
  assert.deepEqual(interfaceWords(en, wifi), { title: "Wi-Fi (wlan0)", facts: ["hall, 72 %", "10.0.0.9", "default route"] });
  const cable = { ...wifi, name: "eth0", kind: "ethernet", is_up: false, is_default_route: false, addresses: [], ssid: null, signal_percent: null };
  assert.deepEqual(interfaceWords(de, cable), { title: "Kabel (eth0)", facts: ["nicht verbunden", "keine Adresse"] });
});

test("each kind of network and each reason has its words", () => {
  const source = (file) => readFileSync(new URL(`../../src/network/${file}.rs`, import.meta.url), "utf8");
  const variants = (file, name) => {
    const body = source(file).split(`enum ${name} {`)[1].split("\n}")[0];
    return [...body.matchAll(/^    ([A-Z]\w+),/gm)].map(([, variant]) => variant.replace(/(?!^)([A-Z])/g, "_$1").toLowerCase());
  };
  for (const kind of variants("interface", "InterfaceKind")) assert.ok(de.knows(`control.network.kind.${kind}`), kind);
  for (const reason of variants("choice", "AddressReason")) assert.ok(de.knows(`control.network.why.${reason}`), reason);
  assert.equal(variants("choice", "AddressReason").length, 11);
});

test("a camera is said to be live, ready, off or why it failed", () => {
  assert.deepEqual(words.cameraWords(en, { state: "live", reason: null }), { tone: "good", text: "Live" });
  assert.deepEqual(words.cameraWords(en, { state: "standby", reason: null }), { tone: "", text: "Ready" });
  assert.deepEqual(words.cameraWords(de, { state: "closed", reason: null }), { tone: "", text: "Aus" });
  assert.deepEqual(words.cameraWords(en, { state: "failed", reason: "Camera unplugged." }), { tone: "bad", text: "Failed: Camera unplugged." });
  assert.equal(words.valueWords(en, { key: "cameras", kind: "cameras", value: { front: {}, back: {} } }), "front, back");
});

test("the model that runs is named when auto has taken it or a second one runs", () => {
  const none = { switching_to: null, error: null, running: "a", chosen: null, second: null };
  assert.equal(modelChange(en, none), null);
  assert.equal(modelChange(en, { ...none, running: null, chosen: "x" }), null);
  const auto = modelChange(en, { ...none, chosen: "it is fast" });
  assert.deepEqual([auto.tone, auto.text], ["note", "auto has taken a: it is fast."]);
  const both = modelChange(de, { ...none, second: "b" });
  assert.equal(both.text, "a und b erkennen gleichzeitig.");
  const opening = modelChange(en, { ...none, chosen: "x", switching_to: "b" });
  assert.equal(opening.tone, "busy");
});
