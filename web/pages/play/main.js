// The page of the games on a visitor's phone: opening it is joining.

import { ask } from "../admin/api.js";
import { byId, setText } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { makeCountdown } from "./countdown.js";
import { follow } from "./follow.js";
import { sayText } from "./game_text.js";
import { drawLeaderboard, makeStarts } from "./lists.js";
import { keepOwnRound, keyHeader, ownRound } from "./round_key.js";
import { makeSoundSwitch } from "./sound_switch.js";
import { makeStage } from "./stage.js";
import { initialClock, stationTime, withSample } from "./station_clock.js";
import { changesOf, leaderboardOf, screenOf, spokenOf, startsOf } from "./view_model.js";

const REFUSED_MS = 8000; // how long a refusal is shown
const SURE_MS = 4000; // how long the question stays
const AGE_EVERY_MS = 1000; // waits end by themselves

let words = null;
let games = null; // the newest state
let receivedAt = 0;
let link = "connecting";
let clock = initialClock();
let hasBooth = true;
let starting = null;
let refused = null; // {game, text}
let refusedTimer = 0;
let sureTimer = 0;
let keepsake = null; // a promise of the module's part

const sounds = makeSoundSwitch(byId("sound"));
const stage = makeStage();
const starts = makeStarts({ start });
const countdown = makeCountdown({
  root: byId("clock"),
  seconds: byId("seconds"),
  bar: byId("bar"),
  now: () => stationTime(clock, performance.now()),
  tick: () => sounds.play("tick"),
});

function took(next) {
  receivedAt = performance.now();
  clock = withSample(clock, { stationMs: next.now_ms, receivedAt });
  const { cues, flash, gained } = changesOf(games, next);
  games = next;
  if (cues.length > 0) sounds.play(cues[0]);
  draw();
  if (flash) stage.flash(flash, gained);
}

function linked(next) {
  link = next;
  // Games that were there are off now.
  if (link === "off" || link === "refused") games = null;
  if (link === "well") askStatus();
  draw();
}

// For the station's time, and whether it has a photo booth.
async function askStatus() {
  const askedAt = performance.now();
  const { status, data } = await ask("GET", "api/status");
  if (status !== 200 || typeof data.now_ms !== "number") return;
  clock = withSample(clock, { stationMs: data.now_ms, askedAt, receivedAt: performance.now() });
  hasBooth = data.stylise !== null;
}

// Without a state of the games: what stands in its place, and below.
const WITHOUT = {
  connecting: ["games.connecting"],
  again: ["games.connecting"],
  well: ["games.connecting"],
  off: ["games.none", "games.off"],
  refused: ["games.invitation", "live.refused.401"],
};

function draw() {
  if (!words) return;
  byId("trouble").hidden = link !== "again";
  setText(byId("trouble"), link === "again" ? words.say("games.again") : "");
  byId("below").hidden = !games;
  const screen = games ? screenOf(games) : "idle";
  stage.show(screen);
  if (screen === "live") stage.drawLive(games, words);
  else if (screen === "result") stage.drawResult(games, words);
  else stage.drawIdle(...idleWords());
  countdown.show(screen === "live" ? games.view.countdown : null);
  setText(byId("spoken"), games ? spokenOf(games, words) : "");
  if (!games) return;
  drawOwn(screen);
  drawStarts();
  drawLeaderboard(leaderboardOf(games, words), words);
}

function idleWords() {
  const [invitation, how] = games ? ["games.invitation", "games.how"] : WITHOUT[link];
  return [words.say(invitation), how ? words.say(how) : ""];
}

function drawStarts() {
  if (!games || !words) return;
  starts.show(startsOf(games, words, performance.now() - receivedAt), { starting, refused, words });
}

// What only the visitor who started the round may do.
function drawOwn(screen) {
  const own = ownRound();
  byId("own").hidden = screen !== "live" || own?.round !== games.view.round;
  const hasStrip = screen === "result" && own?.round === games.result.round && games.result.strip !== null;
  if (hasStrip || keepsake) showKeepsake(hasStrip ? { own, result: games.result } : null);
}

// Fetched with the first photo strip.
async function showKeepsake(round) {
  try {
    keepsake ??= import("./keepsake.js").then(({ makeKeepsake }) => makeKeepsake(byId("result")));
    (await keepsake).show(round, { words, hasBooth });
  } catch {
    keepsake = null; // tried again with the next state
  }
}

async function start(game) {
  if (starting !== null) return;
  starting = game;
  refuse(null);
  const answer = await ask("POST", "api/play/rounds", { body: { game } });
  starting = null;
  if (answer.status === 201) {
    keepOwnRound(answer.data);
    byId("stage").scrollIntoView({ block: "start" });
    byId("stage").focus({ preventScroll: true });
  } else refuse({ game, text: refusalOf(answer) });
  draw();
}

function refusalOf({ status, data, detail }) {
  if (data?.text) return sayText(words, data.text);
  if (status === 0 || status >= 500) return words.say("live.unanswered");
  return detail || words.say("control.failed.refused");
}

function refuse(next) {
  clearTimeout(refusedTimer);
  refused = next;
  setText(byId("refused-spoken"), refused?.text ?? "");
  drawStarts();
  if (refused) refusedTimer = setTimeout(() => refuse(null), REFUSED_MS);
}

async function change(method, path) {
  const own = ownRound();
  if (!own) return;
  const answer = await ask(method, `api/play/rounds/${own.round}${path}`, { headers: keyHeader(own) });
  // 404: the round is over meanwhile.
  const isDone = answer.status === 204 || answer.status === 404;
  setText(byId("refused-spoken"), isDone ? "" : refusalOf(answer));
  byId("own-refused").hidden = isDone;
  setText(byId("own-refused"), isDone ? "" : refusalOf(answer));
}

byId("skip").addEventListener("click", () => change("POST", "/skip"));

// The second tap is the confirmation.
byId("stop").addEventListener("click", ({ currentTarget: button }) => {
  clearTimeout(sureTimer);
  const isSure = button.dataset.sure === "yes";
  askSure(button, !isSure);
  if (isSure) change("DELETE", "");
  else sureTimer = setTimeout(() => askSure(button, false), SURE_MS);
});

function askSure(button, isAsked) {
  button.dataset.sure = isAsked ? "yes" : "";
  setText(button, words.say(isAsked ? "games.stop.sure" : "games.stop"));
}

translatePage((next) => {
  words = next;
  draw();
});
follow({ took, linked });
setInterval(() => !document.hidden && drawStarts(), AGE_EVERY_MS);
