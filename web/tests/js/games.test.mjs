// The page of the games: texts, the station's clock, how it follows, and what it shows of a state.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeWords } from "../../pages/app/language.js";
import { playAddress } from "../../pages/join/codes.js";
import { clockAt } from "../../pages/play/countdown.js";
import * as following from "../../pages/play/following.js";
import { sayText } from "../../pages/play/game_text.js";
import { initialClock, stationTime, withSample } from "../../pages/play/station_clock.js";
import { changesOf, leaderboardOf, liveOf, resultOf, screenOf, spokenOf, startsOf } from "../../pages/play/view_model.js";
import { playFrom } from "./play.mjs";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
// As the station merges them.
const FOLDERS = ["../../pages/lang", "../../../play/lang", "../../../detector/lang"];
const table = (code) => Object.assign({}, ...FOLDERS.map((folder) => read(`${folder}/${code}.json`)));
const english = table("en");
const [en, de, es] = ["en", "de", "es"].map((code) => makeWords(code, table(code), english));

const key = (name, values) => (values ? { key: name, values } : { key: name });
const nickname = key("play.nickname", { adjective: key("play.nickname.adjective.brave"), animal: key("play.nickname.animal.otter") });

test("texts have values, plural forms and texts in them, as the station's own overlay", () => {
  const finds = (count) => key("play.object-hunt.over", { count });
  assert.equal(sayText(en, finds(1)), "Time is up: 1 find");
  assert.equal(sayText(de, finds(3)), "Die Zeit ist um: 3 Funde");
  assert.equal(sayText(de, key("play.object-hunt.sees", { what: key("play.target.cup") })), "Ist das: TASSE?");
  assert.equal(sayText(en, key("play.start.too-soon", { count: 2 })), "The next round can start in 2 seconds.");
  assert.deepEqual([en, de, es].map((words) => sayText(words, nickname)), ["Brave Otter", "Tapferer Otter", "Nutria valiente"]);
});

test("the owner's texts are in the reader's language, else in English, else in any", () => {
  assert.equal(sayText(de, "Tabs?"), "Tabs?");
  assert.equal(sayText(de, { en: "Tea", de: "Tee" }), "Tee");
  assert.equal(sayText(es, { en: "Tea", de: "Tee" }), "Tea");
  assert.equal(sayText(es, { fr: "Thé" }), "Thé");
  assert.equal(sayText(en, key("play.left-or-right.wins", { answer: { en: "Tea" }, more: 3, fewer: 1 })), "Tea wins, 3 to 1");
  assert.equal(sayText(en, null), "");
  assert.equal(sayText(en, key("play.no-such")), "play.no-such");
});

test("no text of one folder takes the place of one of another", () => {
  const names = FOLDERS.flatMap((folder) => Object.keys(read(`${folder}/en.json`)));
  assert.equal(new Set(names).size, names.length);
});

test("the station's clock: late messages do not set it back, answers limit it", () => {
  let clock = initialClock();
  assert.equal(stationTime(clock, 5), null);
  // The station is 1000 ms ahead; its message was written half a minute before it came.
  clock = withSample(clock, { stationMs: 1000 + 0, receivedAt: 30_000 });
  assert.equal(stationTime(clock, 30_000), 1000);
  clock = withSample(clock, { stationMs: 1000 + 40_000, receivedAt: 40_080 });
  assert.equal(stationTime(clock, 50_000), 50_920);
  clock = withSample(clock, { stationMs: 1000 + 41_000, receivedAt: 45_000 });
  assert.equal(stationTime(clock, 50_000), 50_920, "a later message that was slower");
  clock = withSample(clock, { stationMs: 1000 + 60_030, askedAt: 60_000, receivedAt: 60_060 });
  assert.equal(stationTime(clock, 70_000), 71_000, "the middle of the round trip");
});

test("a station's clock that was set is followed at once", () => {
  const before = withSample(initialClock(), { stationMs: 101_000, askedAt: 990, receivedAt: 1010 });
  const back = withSample(before, { stationMs: 52_000, askedAt: 1990, receivedAt: 2010 });
  assert.equal(stationTime(back, 3000), 53_000);
  const ahead = withSample(before, { stationMs: 902_000, receivedAt: 2000 });
  assert.equal(stationTime(ahead, 3000), 903_000);
});

test("a countdown is full before it begins and empty after its end", () => {
  const countdown = { ends_at_ms: 20_000, total_ms: 10_000 };
  assert.deepEqual(clockAt(countdown, 5000), { seconds: 10, share: 1 });
  assert.deepEqual(clockAt(countdown, 12_500), { seconds: 8, share: 0.75 });
  assert.deepEqual(clockAt(countdown, 19_999), { seconds: 1, share: 0.0001 });
  assert.deepEqual(clockAt(countdown, 25_000), { seconds: 0, share: 0 });
});

const { initial, step } = following;
const from = (before, ...events) => {
  const { state, log } = playFrom(before, step, ...events);
  return { state, actions: log.map((line) => line.split(" ")[1]) };
};
const play = (...events) => from(initial(), ...events);

test("states come by the stream; without it they are asked for every five seconds", () => {
  const opened = play([0, { type: "start" }], [100, { type: "heard" }]);
  assert.deepEqual([opened.state.link, opened.state.pollAt], ["well", null]);
  // Refused with 503.
  const refused = play([0, { type: "start" }], [50, { type: "stream_failed" }], [60, { type: "tick" }]);
  assert.deepEqual(refused.actions, ["open", "close", "ask"]);
  const asked = from(refused.state, [80, { type: "polled", status: 200 }]);
  assert.deepEqual([asked.state.link, asked.state.pollAt], ["well", 80 + following.POLL_MS]);
  const again = from(asked.state, [600, { type: "tick" }], [650, { type: "stream_failed" }]);
  assert.deepEqual(again.actions, ["open", "close"]);
  assert.deepEqual([again.state.link, again.state.pollAt], ["well", 5080], "a refused stream is no lost connection");
  assert.equal(again.state.streamAt - 650, 1000, "the pause doubles");
});

test("a lost connection is said, and attempts have a back-off", () => {
  const lost = play([0, { type: "start" }], [100, { type: "heard" }], [5000, { type: "stream_failed" }]);
  assert.equal(lost.state.link, "again");
  let { state } = from(lost.state, [5000, { type: "tick" }]);
  const pauses = [];
  for (let now = 5100; pauses.length < 6; now = state.pollAt) {
    state = step({ ...state, streamAt: null, isAsking: true }, { type: "polled", status: 0 }, now).state;
    pauses.push(state.pollAt - now);
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 5000, 5000]);
  const back = from({ ...state, streamAt: 90_000 }, [60_000, { type: "polled", status: 200 }], [60_000, { type: "tick" }]);
  assert.deepEqual([back.state.link, back.actions], ["well", ["open"]], "the stream is opened at once");
  const waits = step({ ...state, isAsking: true }, { type: "polled", status: 503, retryAfterMs: 20_000 }, 70_000).state;
  assert.equal(waits.pollAt, 90_000);
});

test("a stream that brings nothing is given up, a silent one is checked", () => {
  const stuck = play([0, { type: "start" }], [following.OPENING_MS, { type: "tick" }]);
  assert.deepEqual(stuck.actions, ["open", "close"]);
  const silent = play([0, { type: "start" }], [100, { type: "heard" }], [100 + following.SILENT_MS, { type: "tick" }]);
  assert.deepEqual(silent.actions, ["open", "ask"]);
  const same = from(silent.state, [31_000, { type: "polled", status: 200 }], [32_000, { type: "tick" }]);
  assert.deepEqual([same.actions, same.state.stream], [[], "open"]);
  const held = from(silent.state, [31_000, { type: "polled", status: 200, isNews: true }]);
  assert.deepEqual([held.actions, held.state.link, held.state.pollAt], [["close"], "well", 31_000 + following.POLL_MS]);
  const dead = from(silent.state, [37_000, { type: "polled", status: 0 }]);
  assert.deepEqual([dead.actions, dead.state.link], [["close"], "again"]);
});

test("hidden pages follow nothing; games that are off are asked for rarely", () => {
  const hidden = play([0, { type: "start" }], [100, { type: "heard" }], [200, { type: "hidden" }], [99_000, { type: "tick" }]);
  assert.deepEqual(hidden.actions, ["open", "close"]);
  assert.deepEqual(from(hidden.state, [99_100, { type: "polled", status: 0 }]).state.pollAt, null);
  assert.deepEqual(from(hidden.state, [99_200, { type: "visible" }]).actions, ["open"]);
  const off = play([0, { type: "start" }], [50, { type: "stream_failed" }], [60, { type: "tick" }], [80, { type: "polled", status: 404 }], [9000, { type: "tick" }]);
  assert.deepEqual([off.state.link, off.state.streamAt], ["off", null]);
  const on = from(off.state, [31_000, { type: "tick" }], [31_100, { type: "polled", status: 200 }], [31_200, { type: "tick" }]);
  assert.deepEqual([on.state.link, on.actions], ["well", ["ask", "open"]]);
});

const view = (more) => ({ game: "object-hunt", round: 3, line: key("play.target.cup.show"), big_word: key("play.target.cup"), countdown: null, score: 340, flash: null, sides: null, rows: [], ...more });
const result = (more) => ({ round: 3, game: "object-hunt", headline: key("play.object-hunt.won"), score: 1240, rows: [], nickname, place: 1, is_record: true, strip: null, ...more });
const state = (more) => ({
  now_ms: 100_000,
  visitors_may_start: true,
  games: ["object-hunt", "red-light"].map((game) => ({ game, title: key(`play.${game}`), rules: key(`play.${game}.rules`), refusal: null })),
  view: null,
  result: null,
  leaderboard: [],
  ...more,
});

test("a result is shown from the end of its round until the next one", () => {
  assert.equal(screenOf(state()), "idle");
  assert.equal(screenOf(state({ view: view() })), "live");
  assert.equal(screenOf(state({ view: view(), result: result() })), "result");
  assert.equal(screenOf(state({ view: view({ round: 4 }), result: result() })), "live");
});

test("the target of a hunt, the introduction of a round, the light", () => {
  const hunt = liveOf(state({ view: view({ big_word: key("play.target.teddy-bear"), rows: [key("play.object-hunt.found")] }) }), en);
  assert.deepEqual([hunt.title, hunt.line, hunt.word, hunt.letters, hunt.score, hunt.rows], ["Object hunt", "Show me a", "TEDDY BEAR", 5, "340", ["Found!"]]);
  const introduction = liveOf(state({ view: view({ line: key("play.object-hunt"), big_word: null, score: null }) }), de);
  assert.deepEqual([introduction.tone, introduction.title, introduction.line, introduction.word], ["introduction", "", "", "Gegenstände-Jagd"]);
  const light = liveOf(state({ view: view({ game: "red-light", line: key("play.red-light.freeze"), big_word: key("play.red-light.red") }) }), en);
  assert.deepEqual([light.tone, light.word], ["red", "RED"]);
});

test("both sides of a question", () => {
  const sides = [{ text: { en: "Tea", de: "Tee" }, persons: 1, is_chosen: false }, { text: "Coffee", persons: 12, is_chosen: true }];
  const poll = liveOf(state({ view: view({ game: "left-or-right", line: "Tea or coffee?", big_word: null, sides }) }), de);
  assert.deepEqual(poll.sides, [
    { answer: "Tee", letters: 3, count: "1", isChosen: false, spoken: "Tee: 1 Person" },
    { answer: "Coffee", letters: 6, count: "12", isChosen: true, spoken: "Coffee: 12 Personen, gewählt" },
  ]);
});

test("a result names score, nickname, place and record once", () => {
  const rows = [key("play.record"), key("play.place", { place: 1, name: nickname }), key("play.score-of", { name: nickname, score: 5 })];
  const shown = resultOf(state({ result: result({ rows, strip: { expires_at_ms: 1 } }) }), en);
  assert.deepEqual([shown.headline, shown.score, shown.unit, shown.nickname, shown.place, shown.isRecord, shown.hasStrip], ["You found them all!", "1,240", "points", "Brave Otter", "Place 1 today", true, true]);
  assert.deepEqual(shown.rows, ["Brave Otter: 5"]);
  const none = resultOf(state({ result: result({ score: null, nickname: null, place: null, is_record: false }) }), en);
  assert.deepEqual([none.score, none.nickname, none.place, none.hasStrip], [null, null, null, false]);
});

test("a screen reader hears the target and the result, not the clock nor a running count", () => {
  assert.equal(spokenOf(state({ view: view({ score: 20 }) }), en), "Show me a CUP.");
  assert.equal(spokenOf(state({ view: view({ line: key("play.how-many.closer"), big_word: key("play.number", { number: 4 }) }) }), en), "Closer together!");
  assert.equal(spokenOf(state({ result: result() }), en), "You found them all! 1,240 points. Brave Otter. Place 1 today. Record of the day!");
  assert.equal(spokenOf(state(), en), "");
});

test("what a visitor may start, and why not", () => {
  const refused = (refusal) => state({ games: state().games.map((game) => ({ ...game, refusal })) });
  assert.deepEqual(startsOf(state(), en, 0).games.map(({ title, refusal }) => [title, refusal]), [["Object hunt", ""], ["Red light, green light", ""]]);
  const soon = refused(key("play.start.too-soon", { count: 4 }));
  assert.equal(startsOf(soon, en, 3900).games[0].refusal, "The next round can start in 4 seconds.");
  assert.equal(startsOf(soon, en, 4000).games[0].refusal, "", "the wait is over although no new state came");
  const running = { ...refused(key("play.start.round-running")), view: view() };
  assert.deepEqual(startsOf(running, en, 0).games, []);
  assert.equal(startsOf(state({ view: view() }), en, 0).games.length, 2, "the attraction's round may be replaced");
  assert.equal(startsOf(state({ visitors_may_start: false }), en, 0).canStart, false);
  assert.deepEqual(startsOf(state({ visitors_may_start: false, view: view() }), en, 0).games, []);
});

test("the leaderboard of the played game stands first, empty ones are left out", () => {
  const entries = (count) => Array.from({ length: count }, (_, at) => ({ nickname, score: 1000 - at }));
  const leaderboard = [{ game: "how-many", entries: entries(2) }, { game: "red-light", entries: [] }, { game: "object-hunt", entries: entries(9) }];
  const boards = leaderboardOf(state({ view: view(), leaderboard }), de);
  assert.deepEqual(boards.map(({ game, entries: shown }) => [game, shown.length]), [["object-hunt", 5], ["how-many", 2]]);
  assert.deepEqual(boards[0].entries[0], { nickname: "Tapferer Otter", score: "1.000" });
});

test("sounds, flash and points come from what changed", () => {
  const asked = state({ view: view() });
  const flash = { kind: "good", at_ms: 99_000 };
  const found = state({ view: view({ score: 540, flash }) });
  assert.deepEqual(changesOf(null, found), { cues: ["good"], flash: "good", gained: 0 });
  assert.deepEqual(changesOf(asked, found), { cues: ["good"], flash: "good", gained: 200 });
  assert.deepEqual(changesOf(found, found).cues, []);
  assert.deepEqual(changesOf(asked, state({ now_ms: 200_000, view: view({ flash }) })).flash, null, "an old one is not shown to somebody who joins late");
  assert.deepEqual(changesOf(asked, state({ view: view({ big_word: key("play.target.book") }) })).cues, ["ask"]);
  assert.deepEqual(changesOf(state(), asked).cues, ["start"]);
  assert.deepEqual(changesOf(asked, state({ result: result() })).cues, ["end"]);
  assert.deepEqual(changesOf(state({ result: result() }), state({ result: result({ strip: { expires_at_ms: 1 } }) })).cues, []);
  const count = (number) => state({ view: view({ big_word: key("play.number", { number }) }) });
  assert.deepEqual(changesOf(count(3), count(4)).cues, []);
});

test("the address of the games keeps a prefix and has no token", () => {
  assert.equal(playAddress("http://10.0.0.7:8080/"), "10.0.0.7:8080/play");
  assert.equal(playAddress("https://example.org/cam/?token=x"), "example.org/cam/play");
  assert.equal(playAddress(null), null);
});
