// The photo booth: the state machine of a visit, its texts, orders and photos.

import assert from "node:assert/strict";
import { test } from "node:test";
import { randomKey } from "../../pages/booth/order.js";
import { fits, isHeic, within } from "../../pages/booth/photo.js";
import { SERVER_ERRORS_MAX, initial, STALLED_MAX_MS, STALLED_MS, step } from "../../pages/booth/visit.js";
import * as words from "../../pages/booth/words.js";
import { playFrom } from "./play.mjs";

const KEY = "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11";
const ID = "0b8e3a52-8f1e-4c77-9c1d-0d6a0c8f1b22";

const playOn = (state, ...events) => playFrom(state, step, ...events);
const play = (...events) => playOn(initial(), ...events);

const photo = (kind = "file") => ({ type: "photo", photo: kind });
const chosen = { type: "choose", style: "pencil" };
const send = { type: "send", key: KEY };
const answer = (status, more = {}) => ({ type: "answer", status, ...more });
const job = (state, more = {}) => ({
  type: "job",
  job: { id: ID, style: "pencil", share: false, state, ...more },
});
const sending = [[0, photo()], [1, chosen], [2, send]];
const waiting = [...sending, [500, answer(202, { id: ID })]];

test("from the picture to the result", () => {
  const { log, state } = play(...waiting, [900, job("queued")], [5000, job("done")], [5400, "there"]);
  assert.deepEqual(log, [
    "0 keep_photo",
    "0 style",
    "2 keep_order",
    "2 send",
    "2 sending",
    "500 keep_id",
    "500 drop_photo",
    "500 follow",
    "500 waiting",
    "5000 fetch_result",
    "5000 fetching",
    "5400 keep_seen",
    "5400 done",
  ]);
  assert.equal(state.id, ID);
});

test("a result is shown when it is downloaded as a whole, and downloaded once", () => {
  const received = (bytes, retryAt = null) => ({ type: "received", received: bytes, total: 80_000, retryAt });
  const { state, log } = play(...waiting, [900, job("done")], [901, job("done")], [1000, received(20_000)]);
  assert.deepEqual(log.filter((line) => line.endsWith("fetch_result")), ["900 fetch_result"]);
  const now = words.workWords(state, 1000);
  assert.deepEqual([now.title, now.share], [["fetch.percent", { percent: 25 }], 0.25]);
  assert.deepEqual(now.detail, ["send.bytes", { sent: 20, total: 80 }]);
  const cut = playOn(state, [2000, received(20_000, 5000)], [2100, "online"]);
  assert.deepEqual(cut.log, [], "the download resumes by itself; nothing is sent again");
  const said = words.workWords(cut.state, 2100);
  assert.deepEqual([said.title, said.detail], [["fetch.cut"], ["send.again", { count: 3 }]]);
  assert.equal(playOn(cut.state, [3000, "gone"]).state.note, "gone");
  assert.equal(playOn(cut.state, [3000, "refused"]).state.trouble.kind, "401");
  const shared = playOn(cut.state, [6000, "there"], [6100, job("done", { share: true })]);
  assert.deepEqual([shared.state.name, shared.state.share], ["done", true]);
});

test("a visitor who leaves leaves nothing to the next one", () => {
  const done = play(...waiting, [900, job("done")], [950, "there"]).state;
  const finished = playOn(done, [1000, "finish"]);
  assert.deepEqual(finished.log, ["abort", "unfollow", "forget", "close", "drop_photo", "photo"].map((what) => `1000 ${what}`));
  const left = playOn(done, [1000, "left"]);
  assert.ok(left.log.includes("1000 set_aside") && !left.log.includes("1000 forget"));
  assert.equal(left.state.name, "photo");
  const choosing = playOn(play([0, photo()]).state, [1000, "left"]);
  assert.ok(choosing.log.includes("1000 drop_photo") && choosing.state.photo === null);
  for (const events of [sending, waiting, [...waiting, [900, job("done")]]]) {
    assert.deepEqual(playOn(play(...events).state, [1000, "left"]).log, [], "a running job goes on");
  }
});

test("the live picture is shown before it is taken", () => {
  const { state } = play([0, "open_live"]);
  assert.equal(state.name, "live");
  assert.deepEqual(playOn(state, [1, photo()]).log, ["1 keep_photo", "1 style"]);
  const none = playOn(state, [1, "no_live"]).state;
  assert.deepEqual([none.name, none.note], ["photo", "no_live"]);
});

test("nothing is sent without a picture and a style", () => {
  assert.deepEqual(play([0, send], [1, photo()], [2, send]).log, ["1 keep_photo", "1 style"]);
});

test("a lost upload is retried with the same key and exponential back-off", () => {
  const { state, log } = play(
    ...sending,
    [100, "unreachable"],
    [599, "tick"],
    [600, "tick"],
    [700, "unreachable"],
    [1699, "tick"],
    [1700, "tick"],
    [1800, "unreachable"],
    [1900, "online"],
  );
  assert.deepEqual(log.filter((line) => line.endsWith(" send")), ["2 send", "600 send", "1700 send", "1900 send"]);
  assert.equal(state.order.key, KEY);
});

test("an upload without progress is restarted, one with progress is not", () => {
  const moving = play(...sending, [9000, { type: "progress", sent: 1, total: 9 }], [STALLED_MS + 3, "tick"]);
  assert.equal(moving.state.retryAt, null);
  const still = play(...sending, [STALLED_MS + 2, "tick"]);
  assert.equal(still.state.why, "unreachable");
  assert.deepEqual(still.log.at(-1), `${STALLED_MS + 2} abort`);
});

test("each attempt of an upload gets twice the time of the one before", () => {
  let state = play(...sending).state;
  let now = 2;
  for (let timeoutMs = STALLED_MS; timeoutMs < STALLED_MAX_MS * 4; timeoutMs *= 2) {
    const most = Math.min(timeoutMs, STALLED_MAX_MS);
    assert.equal(step(state, { type: "tick" }, now + most - 1).state.why, state.why);
    state = step(state, { type: "tick" }, now + most).state;
    assert.ok(state.retryAt !== null, `${timeoutMs}`);
    now = state.retryAt;
    state = step(state, { type: "tick" }, now).state;
  }
});

test("429 waits for the Retry-After, with a countdown", () => {
  const { state } = play(...sending, [1000, answer(429, { retryAfterMs: 42000 })]);
  assert.equal(state.retryAt, 43000);
  const { title, detail } = words.workWords(state, 1500);
  assert.deepEqual([title, detail], [["send.busy"], ["send.again", { count: 42 }]]);
  assert.equal(playOn(state, [43000, "tick"]).log[0], "43000 send");
});

test("server errors are retried a few times, then reported", () => {
  let state = play(...sending).state;
  for (let failures = 1; failures < SERVER_ERRORS_MAX; failures += 1) {
    state = step(state, answer(500), 1000).state;
    assert.equal(state.why, "broken");
    state = step(state, { type: "tick" }, state.retryAt).state;
  }
  state = step(state, answer(500, { detail: "oh" }), 99999).state;
  assert.deepEqual(state.trouble, { kind: "500", detail: "oh" });
  assert.deepEqual(words.troubleWords(state.trouble).title, ["trouble.other"]);
});

test("a refusal is explained; another picture starts over with the same style", () => {
  const { state, log } = play(...sending, [50, answer(415, { detail: "this is HEIC" })]);
  assert.deepEqual(log.slice(-4), ["50 abort", "50 unfollow", "50 forget", "50 trouble"]);
  const said = words.troubleWords(state.trouble);
  assert.deepEqual([said.title, said.own, said.again], [["trouble.415"], "this is HEIC", false]);
  const next = playOn(state, [60, "retake"]).state;
  assert.deepEqual([next.name, next.style, next.photo], ["photo", "pencil", null]);
});

test("HEIC is known by its brands, whatever type the browser gives", () => {
  const head = (...brands) => new TextEncoder().encode(`\0\0\0\x18ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`);
  for (const brands of [["heic", "mif1", "heic"], ["mif1", "heic"], ["heix"], ["msf1", "hevc"]]) assert.ok(isHeic(head(...brands)), brands.join());
  for (const brands of [["avif", "mif1"], ["mif1", "avif"], ["isom", "mp42"]]) assert.ok(!isHeic(head(...brands)), brands.join());
  for (const bytes of [[], [0xff, 0xd8, 0xff], new Uint8Array(64)]) assert.ok(!isHeic(Uint8Array.from(bytes)));
});

test("a photo that cannot be used is explained on the first screen", () => {
  const { state } = play([0, { type: "no_photo", note: "heic" }]);
  assert.deepEqual([state.name, state.note], ["photo", "heic"]);
  assert.equal(playOn(state, [1, photo()]).state.note, null);
});

test("an order without a network waits, is kept, and is given up after an hour", () => {
  const cut = { type: "unreachable", isOffline: true };
  const { state, log } = play(...sending, [30, cut]);
  assert.deepEqual(log.slice(-2), ["30 abort", "30 keep_waiting"]);
  const said = words.workWords(state, 30);
  assert.deepEqual([said.title, said.detail], [["send.offline"], ["send.offline.detail"]]);
  const again = playOn(state, [900, "online"]);
  assert.deepEqual(again.log, ["900 send"]);
  const late = playOn(again.state, [2 + 3600e3 + 1, cut]);
  assert.deepEqual([late.state.name, late.state.note], ["photo", "not_sent"]);
  assert.ok(late.log.some((line) => line.endsWith("drop_photo")), late.log.join());
  const order = { key: KEY, style: "pencil", share: true };
  const resumed = play([0, { type: "resume_order", order, ageMs: 3600e3 }], [10, cut]);
  assert.equal(resumed.state.note, "not_sent", "an hour from when it was ordered");
});

test("what is said of a picture that is not in the gallery", () => {
  const { sharingWords } = words;
  assert.equal(sharingWords({ share: true, withheld: "waits" }, {}), "done.waits");
  assert.equal(sharingWords({ share: true, withheld: "refused" }, { sharing_paused: true }), "done.refused");
  assert.equal(sharingWords({ share: true, withheld: null }, { sharing_paused: true }), null);
  assert.equal(sharingWords({ share: false, withheld: null }, { sharing_paused: true }), "consent.paused");
  assert.equal(sharingWords({ share: false }, { gallery: false, sharing_paused: true }), null);
  assert.equal(sharingWords({ share: true }, undefined), null);
});

test("503 with a Retry-After is retried then", () => {
  const file = play(...sending, [3, answer(503, { retryAfterMs: 5000 })]);
  assert.equal(file.state.retryAt, 5003);
});

test("cancelling an upload goes back to the styles, with the picture", () => {
  const { state, log } = play(...sending, [10, "cancel"]);
  assert.deepEqual(log.slice(-5), ["10 abort", "10 withdraw", "10 forget", "10 keep_photo", "10 style"]);
  assert.deepEqual([state.photo, state.note, state.order], ["file", "cancelled", null]);
  // A late answer to it changes nothing.
  assert.deepEqual(playOn(state, [11, answer(202, { id: ID })], [12, "unreachable"]).log, []);
});

test("a waiting job is cancelled once, when the station confirms it", () => {
  const asked = play(...waiting, [600, "cancel"], [601, "cancel"]);
  assert.deepEqual(asked.log.slice(-1), ["600 cancel"]);
  assert.deepEqual(words.workWords(asked.state, 0).title, ["work.cancelling"]);
  const over = playOn(asked.state, [700, job("cancelled")]);
  assert.equal(over.state.name, "style");
  const late = playOn(asked.state, [700, job("done")]);
  assert.equal(late.state.name, "fetching");
  const unheard = playOn(asked.state, [700, "unanswered"]);
  assert.equal(unheard.state.cancelling, false);
});

test("a reload resumes the job or the order", () => {
  const back = play([0, { type: "resume", id: ID }], [9, job("done", { source: "/s" })]);
  assert.deepEqual(back.log, ["0 abort", "0 keep_id", "0 follow", "0 waiting", "9 fetch_result", "9 fetching"]);
  const order = { key: KEY, style: "pencil", share: true };
  const again = play([0, { type: "resume_order", order }]);
  assert.deepEqual(again.log, ["0 send", "0 sending"]);
  assert.deepEqual(again.state.order, order);
});

test("a job that is gone or expired is reported, and the page starts over", () => {
  for (const [event, note] of [[{ type: "gone" }, "gone"], [job("expired"), "expired"]]) {
    const { state, log } = play([0, { type: "resume", id: ID }], [9, event]);
    assert.deepEqual([state.name, state.note], ["photo", note]);
    assert.ok(log.includes("9 forget") && log.includes("9 unfollow"));
  }
});

test("events of another job are ignored", () => {
  const { state } = play(...waiting, [600, { type: "job", job: { id: "other", state: "done" } }]);
  assert.equal(state.name, "waiting");
});

test("another style uses the picture of this page, or the station's", () => {
  const own = playOn(play(...waiting, [900, job("done")], [950, "there"]).state, [1000, "again"]);
  assert.deepEqual(own.log, ["1000 unfollow", "1000 forget", "1000 keep_photo", "1000 style"]);
  const theirs = play([0, { type: "resume", id: ID }], [9, job("done")], [9, "there"], [10, "again"]);
  assert.deepEqual(theirs.log.slice(-3), ["10 unfollow", "10 fetch_source", "10 style"]);
  // It cannot be sent before it is downloaded.
  assert.deepEqual(playOn(theirs.state, [11, send]).log, []);
  const here = playOn(theirs.state, [12, photo()], [13, send]);
  assert.deepEqual(here.log.slice(0, 3), ["12 unfollow", "12 forget", "12 keep_photo"]);
  assert.equal(here.state.name, "sending");
  assert.equal(here.state.id, null);
});

test("the result is shown, hidden and deleted", () => {
  const done = play(...waiting, [900, job("done")], [950, "there"]).state;
  assert.deepEqual(playOn(done, [1, "show"]).log, ["1 show"]);
  const removed = playOn(done, [1, "remove"], [2, "removed"]);
  assert.deepEqual(removed.log[0], "1 remove");
  assert.deepEqual([removed.state.name, removed.state.note], ["photo", "erased"]);
});

test("every state of a job has its texts", () => {
  const said = (state, more) => {
    const { title, detail } = words.workWords({ name: "waiting", reachable: true, job: { state, ...more } }, 0);
    return [title?.[0], detail?.[0]];
  };
  assert.deepEqual(said("queued", { position: 0, expected_wait_s: 12 }), ["queue.next", "wait.seconds"]);
  assert.deepEqual(said("queued", { position: 3, expected_wait_s: 70 }), ["queue.ahead", "wait.minutes"]);
  assert.deepEqual(said("queued", { position: null, expected_wait_s: null }), ["queue.waiting", undefined]);
  assert.deepEqual(said("uploading"), ["work.uploading", undefined]);
  assert.deepEqual(said("running", { step: 2, steps: 4, expected_wait_s: 8 }), ["work.running", "wait.seconds"]);
  assert.deepEqual(said("running", { step: null, steps: null }), ["work.running", undefined]);
  const away = { state: "queued", position: 1, note: "ComfyUI is away" };
  assert.equal(words.workWords({ name: "waiting", reachable: true, job: away }, 0).own, "ComfyUI is away");
  const upload = { ...initial(), name: "sending", order: {}, sent: 250_000, total: 1_000_000 };
  assert.deepEqual(words.workWords(upload, 0).title, ["send.percent", { percent: 25 }]);
  assert.deepEqual(words.workWords(upload, 0).detail, ["send.bytes", { sent: 250, total: 1000 }]);
});

test("waits are rounded up", () => {
  const said = (seconds) => words.waitWords(seconds)[1].count;
  assert.deepEqual([0, 3, 11, 54, 55, 89, 600].map(said), [5, 5, 15, 55, 1, 1, 10]);
  assert.equal(words.waitWords(null), null);
});

test("the consent names who sees the picture and for how long", () => {
  assert.deepEqual(words.consentWords("laptop", 86400), [["consent.laptop"], ["consent.hours", { count: 24 }]]);
  assert.deepEqual(words.consentWords("comfyui", 600, true), [["consent.comfyui"], ["consent.minutes", { count: 10 }]]);
  assert.deepEqual(words.consentWords("laptop", undefined)[1], ["consent.erased"]);
});

test("a key is a UUID of version 4, without crypto.randomUUID", () => {
  assert.equal(randomKey(new Uint8Array(16).fill(255)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  assert.match(randomKey(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("large photos are scaled, small ones are sent unchanged", () => {
  assert.deepEqual(within({ width: 4032, height: 3024 }), { width: 2048, height: 1536 });
  assert.deepEqual(within({ width: 100, height: 9000 }), { width: 23, height: 2048 });
  assert.deepEqual(within({ width: 640, height: 480 }), { width: 640, height: 480 });
  assert.ok(fits({ width: 640, height: 480 }, { type: "image/jpeg", size: 1e5 }));
  assert.ok(!fits({ width: 640, height: 480 }, { type: "image/gif", size: 1e5 }));
  assert.ok(!fits({ width: 640, height: 480 }, { type: "image/png", size: 9e6 }));
  assert.ok(!fits({ width: 4000, height: 480 }, { type: "image/jpeg", size: 1e5 }));
});

test("the cause of a wait is translated, and not repeated by the station's note", () => {
  const told = (more) => {
    const job = { state: "queued", position: 1, expected_wait_s: null, note: "Waiting: away", ...more };
    return words.workWords({ name: "waiting", reachable: true, job }, 0);
  };
  assert.deepEqual(told({ waits_for: "others" }).detail, ["queue.others"]);
  assert.deepEqual(told({ waits_for: "server" }).detail, ["queue.away"]);
  assert.equal(told({ waits_for: "server" }).own, "");
  // Also while the station does not answer.
  const job = { state: "running", waits_for: "restart" };
  for (const reachable of [true, false]) {
    const { title } = words.workWords({ name: "waiting", reachable, job }, 0);
    assert.deepEqual(title, ["work.restarting"]);
  }
  assert.deepEqual([told({ waits_for: null }).detail, told({}).own], [null, "Waiting: away"]);
});

test("the consent names the picture server, and whether it erases the picture", () => {
  assert.deepEqual(words.consentWords("laptop", 3600, false)[0], ["consent.laptop"]);
  assert.deepEqual(words.consentWords("comfyui", 3600, true)[0], ["consent.comfyui"]);
  for (const erases of [false, null, undefined]) {
    assert.deepEqual(words.consentWords("comfyui", 3600, erases)[0], ["consent.comfyui.stays"]);
  }
});

test("an order names the maker that the visitor was told", () => {
  const { state } = play([0, photo()], [1, chosen], [2, { ...send, made_by: "laptop" }]);
  assert.equal(state.order.made_by, "laptop");
});
