// What the page shows of the station's state of the games. Pure; `words` are those of language.js.

import { sayText } from "./game_text.js";

// "live", "result", or "idle" without either. A result is shown until the next round starts.
export function screenOf({ view, result }) {
  if (view && view.round !== result?.round) return "live";
  return result ? "result" : "idle";
}

export function titleOf(state, game, words) {
  const known = state.games.find((one) => one.game === game);
  return sayText(words, known?.title ?? { key: `play.${game}` });
}

const TONES = { "play.red-light.green": "green", "play.red-light.red": "red" };

// {title, line, word, letters, parts, tone, score, sides, rows}. The big text has `parts`, which are never broken, the
// longest one of `letters`. While the game is introduced its title is the big text.
export function liveOf(state, words) {
  const { view } = state;
  const title = titleOf(state, view.game, words);
  const line = sayText(words, view.line);
  const isIntroduction = line === title && !view.big_word;
  const word = isIntroduction ? title : sayText(words, view.big_word);
  return {
    title: isIntroduction ? "" : title,
    line: isIntroduction ? "" : line,
    word,
    letters: longestOf(word),
    parts: partsOf(word).length,
    tone: TONES[view.big_word?.key] ?? (isIntroduction ? "introduction" : "plain"),
    score: typeof view.score === "number" ? words.number(view.score) : null,
    sides: view.sides?.map((side) => sideOf(side, words)) ?? null,
    rows: view.rows.map((row) => sayText(words, row)),
  };
}

function sideOf({ text, persons, is_chosen }, words) {
  const answer = sayText(words, text);
  const spoken = words.say(is_chosen ? "games.side.chosen" : "games.side", { answer, count: persons });
  return { answer, letters: longestOf(answer), count: words.number(persons), isChosen: is_chosen, spoken };
}

function longestOf(text) {
  return Math.max(...partsOf(text).map((part) => [...part].length));
}

function partsOf(text) {
  return text.split(/[\s-]+/);
}

// Shown in places of their own.
const SHOWN_APART = ["play.record", "play.place"];

// {title, headline, score, unit, nickname, place, isRecord, rows, hasStrip}
export function resultOf(state, words) {
  const { result } = state;
  const hasScore = typeof result.score === "number";
  const rows = result.rows.filter(({ key }) => !SHOWN_APART.includes(key));
  return {
    title: titleOf(state, result.game, words),
    headline: sayText(words, result.headline),
    score: hasScore ? words.number(result.score) : null,
    unit: hasScore ? words.say("games.points", { count: result.score }) : "",
    nickname: result.nickname ? sayText(words, result.nickname) : null,
    place: result.place ? words.say("games.place", { place: result.place }) : null,
    isRecord: result.is_record,
    rows: rows.map((row) => sayText(words, row)),
    hasStrip: result.strip !== null,
  };
}

// What a screen reader says of the state: the target or the result, never the clock.
export function spokenOf(state, words) {
  const screen = screenOf(state);
  if (screen === "live") {
    const { line, word, rows, tone, sides } = liveOf(state, words);
    const target = [line, isCount(state.view) ? "" : word].filter(Boolean).join(" ");
    const isSettled = tone === "introduction" || sides?.some(({ isChosen }) => isChosen);
    const more = isSettled ? rows : (sides ?? []).map(({ answer }) => answer);
    return sentences([target, ...more]);
  }
  if (screen === "idle") return "";
  const { headline, score, unit, nickname, place, isRecord, rows } = resultOf(state, words);
  return sentences([headline, score && `${score} ${unit}`, nickname, place, isRecord && words.say("play.record"), ...rows].filter(Boolean));
}

function sentences(parts) {
  return parts.map((part) => (/[.!?…]$/.test(part) ? part : `${part}.`)).join(" ");
}

// {canStart, games: [{game, title, rules, refusal}]}: what a visitor may start; `refusal` is "" where nothing is against
// it. Beside a running round only a game that may take its place. A wait that the station named is over by itself;
// `ageMs`: how old the state is.
export function startsOf(state, words, ageMs) {
  const games = state.games.map(({ game, title, rules, refusal }) => ({
    game,
    title: sayText(words, title),
    rules: sayText(words, rules),
    refusal: isOver(refusal, ageMs) ? "" : sayText(words, refusal),
  }));
  const canStart = state.visitors_may_start;
  const isFree = screenOf(state) !== "live";
  if (isFree) return { canStart, games };
  return { canStart, games: canStart ? games.filter(({ refusal }) => refusal === "") : [] };
}

function isOver(refusal, ageMs) {
  return refusal?.key === "play.start.too-soon" && ageMs >= refusal.values.count * 1000;
}

const ENTRIES_MAX = 5;

// [{game, title, entries: [{nickname, score}]}], the name of another carrier with the nickname: the game that is or was played first; games without entries are left out.
export function leaderboardOf(state, words) {
  const now = state.view?.game ?? state.result?.game;
  const boards = state.leaderboard.filter(({ entries }) => entries.length > 0);
  boards.sort((one, other) => Number(other.game === now) - Number(one.game === now));
  return boards.map(({ game, entries }) => ({
    game,
    title: titleOf(state, game, words),
    entries: entries.slice(0, ENTRIES_MAX).map((entry) => ({ nickname: whose(entry, words), score: words.number(entry.score) })),
  }));
}

function whose({ nickname, carrier }, words) {
  const name = sayText(words, nickname);
  return carrier ? words.say("games.best.carrier", { nickname: name, carrier }) : name;
}

const FRESH_FLASH_MS = 1500;

// {cues, flash, gained}: the sounds, the flash ("good", "bad", "photo" or null) and the points that a new state brings.
// `before` is null for the first one. Cues: start, ask, end, and the flash.
export function changesOf(before, after) {
  const flash = flashOf(before, after);
  const cues = flash ? [flash] : [];
  if (!before) return { cues, flash, gained: 0 };
  const [was, is] = [screenOf(before), screenOf(after)];
  const isSameRound = was === "live" && is === "live" && before.view.round === after.view.round;
  if (is === "live" && !isSameRound) cues.push("start");
  if (isSameRound && asked(before.view) !== asked(after.view)) cues.push("ask");
  if (is === "result" && after.result.round !== before.result?.round) cues.push("end");
  const gained = isSameRound ? Math.max((after.view.score ?? 0) - (before.view.score ?? 0), 0) : 0;
  return { cues, flash, gained };
}

function flashOf(before, { view, now_ms }) {
  if (!view?.flash || view.flash.at_ms === before?.view?.flash?.at_ms) return null;
  return now_ms - view.flash.at_ms < FRESH_FLASH_MS ? view.flash.kind : null;
}

// What is asked for. A count in the big text is no question.
function asked(view) {
  return JSON.stringify([view.line, isCount(view) ? null : view.big_word]);
}

function isCount({ big_word }) {
  return big_word?.key === "play.number";
}
