// The control page: signs in, asks the station for what is shown, and hands it to the parts of the page.

import { byId, recall, remember, setText } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { ask, isGone } from "./api.js";
import { makeCamera } from "./camera.js";
import { makeCameras } from "./cameras.js";
import { makeGallery } from "./gallery.js";
import { makeGames } from "./games.js";
import { drawAudit, drawHealth, drawJoin, drawLog, drawViewers, forgetLists } from "./lists.js";
import { makeMasks } from "./masks.js";
import { makeNetwork } from "./network.js";
import { modelChange, modelNames, sourceNames } from "./offers.js";
import { makePicture } from "./picture.js";
import { makePoller } from "./poll.js";
import { drawPower } from "./power.js";
import { makePrints } from "./prints.js";
import { makeSettings } from "./settings.js";
import { makeShutter } from "./shutter.js";
import { initial, remainingMs, step, tokenOf } from "./state.js";
import { wholeSeconds } from "./times.js";
import { failureWords, promiseWords, queueWords } from "./words.js";
import { makeZonesPanel } from "./zones_panel.js";

const SIGNED_IN = "carrier.admin"; // remembers that somebody was signed in; not the token
const SESSION = "api/admin/session";
const BRIEF_MS = 6000;
const OPENING_MS = 1000;

let words = null;
let state = initial();
let token = takeToken();
let tickTimer = 0;
let newsTimer = 0;
let openingTimer = 0; // until a camera that is being opened is asked for again
let clockAheadMs = 0; // the station's clock minus this one's
let uptime = 0;
let failures = 0;
let shownCamera = null; // the name of the camera that is shown, if it has one
let counts = null; // the panel of the counts, once it is loaded
let carriers = null; // the same of other carriers
const kept = {}; // the last answer of each list, for another language

const wordsNow = () => words;
const nowMs = () => Date.now() + clockAheadMs;
const parts = { words: wordsNow, nowMs, announce, tell, answered };
const picture = makePicture(parts);
const shutter = makeShutter({ ...parts, answered: shutterAnswered });
const masks = makeMasks({ ...parts, change: (key, value) => settings.change(key, value) });
const cameraNames = () => Object.keys(settings.get("cameras")?.value ?? {});
const zones = makeZonesPanel({ ...parts, cameraNames, change: (key, value) => settings.change(key, value) });
const settings = makeSettings({ ...parts, editors: [masks, zones], applied });
const gallery = makeGallery(parts);
const camera = makeCamera({ words: wordsNow, change: changeControl });
const network = makeNetwork({ words: wordsNow, change: changeNetwork });
const prints = makePrints({ ...parts, soon: () => poller.soon("prints") });
const games = makeGames({ ...parts, named: (names) => settings.name("play.games", names), soon: () => poller.soon("games") });
const cameras = makeCameras({ words: wordsNow, choose: (name) => settings.change("source", name) });

const isBoothOpen = isOpen("booth");

// What waits for approval is shown above the gallery.
function isGalleryWanted() {
  return isBoothOpen() || settings.get("booth.approve_first")?.value === true;
}

// What is fetched, most urgent first; lists only while they are open.
const poller = makePoller({
  report,
  parts: {
    shutter: { everyMs: 2000, wanted: always, load: () => loaded(shutter.load()) },
    status: { everyMs: 5000, wanted: always, load: () => fetched("status", "api/status", drawStatus, takeStatus) },
    settings: { everyMs: 10000, wanted: always, load: () => loaded(settings.load()) },
    health: { everyMs: 30000, wanted: always, load: () => fetched("health", "api/doctor", ({ checks }) => drawHealth(checks, words)) },
    models: { everyMs: 5000, wanted: always, load: () => fetched("models", "api/models", drawModels) },
    sources: { everyMs: 30000, wanted: always, load: () => fetched("sources", "api/sources", ({ sources }) => settings.name("source", sourceNames(sources))) },
    camera: { everyMs: 5000, wanted: isOpen("camera"), load: () => fetched("camera", "api/camera", camera.show) },
    viewers: { everyMs: 3000, wanted: isOpen("viewers"), load: () => fetched("viewers", "api/viewers", (list) => drawViewers(list, words)) },
    gallery: { everyMs: 5000, wanted: isGalleryWanted, load: () => loaded(gallery.load()) },
    prints: { everyMs: 4000, wanted: prints.isWanted, load: () => loaded(prints.load()) },
    games: { everyMs: 3000, wanted: games.isWanted, load: () => loaded(games.load()) },
    counts: { everyMs: 15000, wanted: isOpen("counts"), load: () => fetched("counts", "api/counts", drawCounts) },
    carriers: { everyMs: 2000, wanted: isOpen("carriers"), load: () => fetched("carriers", "api/carriers", drawCarriers) },
    join: { everyMs: 30000, wanted: isOpen("join"), load: () => fetched("join", "api/join", (join) => drawJoin(join, words)) },
    network: { everyMs: 2000, wanted: isOpen("network"), load: () => fetched("network", "api/network", network.show) },
    audit: { everyMs: 10000, wanted: isOpen("audit"), load: () => fetched("audit", "api/admin/audit", ({ entries }) => drawAudit(entries, words, nowMs())) },
    log: { everyMs: 3000, wanted: isOpen("log"), load: () => fetched("log", "api/admin/log", ({ lines }) => drawLog(lines, words, nowMs())) },
  },
});

// Loaded when somebody looks at them first.
async function drawCounts(answer) {
  try {
    const { makeCounts } = await import("./counts.js");
    counts ??= makeCounts({ ...parts, camera: () => shownCamera });
    counts.show(answer);
  } catch {
    tell(words.say("control.failed.unanswered"));
  }
}

async function drawCarriers(answer) {
  try {
    const { makeCarriers } = await import("./carriers.js");
    carriers ??= makeCarriers({ ...parts, soon: () => poller.soon("carriers") });
    carriers.show(answer);
  } catch {
    tell(words.say("control.failed.unanswered"));
  }
}

function drawModels(answer) {
  settings.name("model", modelNames(answer.models, words));
  const change = modelChange(words, answer);
  byId("model-state").hidden = change === null;
  setText(byId("model-state"), change?.text ?? "");
  byId("model-state").dataset.tone = change?.tone ?? "";
}

function changeControl(key, value) {
  settings.change(key, value);
  poller.soon("camera");
}

function changeNetwork(key, value) {
  settings.change(key, value);
  poller.soon("network");
}

// What follows from a change of the settings that was made here.
function applied(keys) {
  if (keys.includes("source")) poller.soon("status", "camera", "sources");
  if (keys.includes("booth.approve_first")) poller.soon("gallery");
}

function always() {
  return true;
}

byId("games").addEventListener("toggle", () => byId("games").open && poller.soon("games"));

function isOpen(id) {
  const details = byId(id);
  details.addEventListener("toggle", () => details.open && poller.soon(details.dataset.part ?? id));
  return () => details.open;
}

// `take` gets an answer once, `show` again in another language.
async function fetched(name, path, show, take = () => {}) {
  const answer = await ask("GET", path);
  if (answer.status === 200 && state.phase === "in") {
    take(answer.data);
    kept[name] = () => show(answer.data);
    kept[name]();
  }
  return loaded(answer);
}

async function loaded(pending) {
  const answer = await pending;
  answered(answer);
  return { isGone: isGone(answer), retryAfterMs: answer.status === 429 ? answer.retryAfterMs : 0 };
}

function answered({ status }) {
  if (status === 401) dispatch({ type: "unauthorised" });
}

function shutterAnswered(answer) {
  answered(answer);
  poller.soon("shutter", "audit");
}

function takeStatus(status) {
  if (typeof status.now_ms === "number") clockAheadMs = status.now_ms - Date.now();
  // Another client may have changed the mode; a station that was restarted may have changed everything.
  const mode = settings.get("privacy.mode");
  if (status.privacy && mode && mode.value !== status.privacy.mode) poller.soon("settings");
  if (status.uptime_s < uptime) poller.soon();
  uptime = status.uptime_s;
  games.offer(status);
}

function drawStatus(status) {
  const name = status.name ?? "carrier";
  setText(byId("station"), name);
  document.title = words.say("control.page", { name });
  setText(byId("version"), words.say("control.version", { version: status.version }));
  if (typeof status.viewers === "number") setText(byId("viewers-count"), words.number(status.viewers));
  drawPower(status.power ?? null, words);
  cameras.show(status.cameras ?? []);
  shownCamera = status.cameras?.find(({ selected }) => selected)?.name ?? null;
  clearTimeout(openingTimer);
  if (status.cameras?.some(({ state: now }) => now === "opening")) openingTimer = setTimeout(() => poller.soon("status"), OPENING_MS);
  const queue = queueWords(words, status.stylise);
  byId("booth-queue").hidden = !queue;
  setText(byId("booth-queue"), queue);
  const promise = promiseWords(words, status.privacy);
  byId("promise").hidden = promise === null;
  setText(byId("promise"), promise?.text ?? "");
  byId("promise").dataset.tone = promise?.tone ?? "";
}

function report(next) {
  failures = next;
  picture.reached(failures === 0);
  showTrouble();
}

// What the page shows may be outdated: said above everything else. A browser on the station's own machine may be
// offline and reach it all the same.
function showTrouble() {
  const key = navigator.onLine === false ? "control.offline" : "control.unreachable";
  const isShown = failures > 0 && state.phase === "in";
  byId("trouble").hidden = !isShown;
  document.documentElement.toggleAttribute("data-stale", isShown);
  if (isShown && words) setText(byId("trouble"), words.say(key));
  else setText(byId("trouble"), "");
}

function announce(text) {
  setText(byId("spoken"), text);
}

// A message stays until the next one, or until it is put away. A brief one only confirms what the page shows anyway.
function tell(text, { isShown = true, isBrief = false } = {}) {
  announce(text);
  if (!isShown) return;
  clearTimeout(newsTimer);
  if (isBrief) newsTimer = setTimeout(() => (byId("news").hidden = true), BRIEF_MS);
  byId("news").hidden = !text;
  setText(byId("news-text"), text);
}

byId("news-shut").addEventListener("click", () => tell(""));

// Signing in and out

function dispatch(event) {
  const before = state;
  const next = step(state, event, performance.now());
  state = next.state;
  for (const action of next.actions) ACTIONS[action]();
  if (state !== before) draw(before);
}

const ACTIONS = {
  async ask() {
    dispatch({ type: "answered", ...(await ask("GET", SESSION)) });
  },
  async log_in() {
    const headers = { Authorization: `Bearer ${token}` };
    token = null;
    dispatch({ type: "answered", ...(await ask("POST", SESSION, { headers })) });
  },
  enter() {
    remember(SIGNED_IN, "1");
    byId("token").value = "";
    picture.start();
    poller.set(true);
  },
  leave() {
    remember(SIGNED_IN, null);
    poller.set(false);
    picture.stop();
    clearTimeout(openingTimer);
    for (const part of [shutter, settings, gallery, games, camera, cameras, network, prints]) part.forget();
    forgetLists();
    for (const name of Object.keys(kept)) delete kept[name];
    tell("");
  },
};

function draw(before = null) {
  const { phase, reason, busy } = state;
  byId("entry").hidden = phase !== "out";
  byId("asking").hidden = phase !== "asking";
  byId("control").hidden = phase !== "in";
  byId("enter").setAttribute("aria-disabled", String(busy || remainingMs(state, performance.now()) > 0));
  setText(byId("enter"), words.say(busy ? "control.entering" : "admin.enter"));
  setText(byId("asking"), words.say(reason === "unreachable" ? "control.unreachable" : "control.asking"));
  drawReason();
  clearInterval(tickTimer);
  if (state.waitUntil !== null) tickTimer = setInterval(tick, 500);
  showTrouble();
  if (before && before.phase !== phase) moveFocus(phase);
}

function moveFocus(phase) {
  // Not on a page that has only been opened: the focus belongs to the address bar.
  if (phase === "in") {
    byId("shutter-title").focus({ preventScroll: true });
    scrollTo(0, 0);
  } else if (phase === "out") byId("token").focus();
}

function drawReason() {
  const { reason, detail } = state;
  const count = wholeSeconds(remainingMs(state, performance.now()));
  const said = {
    wrong: () => words.say("admin.wrong"),
    limited: () => words.say("control.limited", { count }),
    refused: () => words.say("control.failed.because", { detail: detail || "–" }),
    unreachable: () => words.say("gallery.unreachable"),
    expired: () => words.say("control.expired"),
    left: () => words.say("control.left"),
    everywhere: () => words.say("control.left.everywhere"),
  }[reason];
  setText(byId("entry-said"), said ? said() : "");
  byId("token").toggleAttribute("aria-invalid", false);
  if (reason === "wrong") byId("token").setAttribute("aria-invalid", "true");
}

function tick() {
  dispatch({ type: "tick" });
  if (state.waitUntil === null) clearInterval(tickTimer);
  drawReason();
}

byId("entry-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  if (token) dispatch({ type: "token" });
});

byId("leave").addEventListener("click", async () => {
  const answer = await ask("DELETE", SESSION);
  if (isGone(answer)) tell(failureWords(words, answer));
  else dispatch({ type: "left" });
});

// The second press is the confirmation.
byId("leave-all").addEventListener("click", async ({ currentTarget: button }) => {
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    setText(button, words.say("control.leave.sure"));
    return;
  }
  const answer = await ask("DELETE", "api/admin/sessions");
  calm(button);
  if (isGone(answer)) tell(failureWords(words, answer));
  else dispatch({ type: "left", everywhere: true });
});
byId("leave-all").addEventListener("blur", ({ currentTarget: button }) => calm(button));

function calm(button) {
  delete button.dataset.sure;
  setText(button, words.say("control.leave.all"));
}

// The token of a link leaves the address bar before anything else happens.
function takeToken() {
  const given = tokenOf(location.hash);
  if (given) history.replaceState(history.state, "", location.pathname + location.search);
  return given;
}

addEventListener("hashchange", () => {
  token = takeToken();
  if (token && state.phase === "out") dispatch({ type: "token" });
});
for (const name of ["online", "offline"]) addEventListener(name, () => poller.soon());
document.addEventListener("visibilitychange", () => !document.hidden && poller.soon());
addEventListener("pageshow", (event) => event.persisted && poller.soon());

translatePage((next) => {
  const isFirst = words === null;
  words = next;
  if (isFirst) dispatch({ type: "start", hasToken: token !== null, remembered: recall(SIGNED_IN) === "1" });
  draw();
  if (state.phase !== "in") return;
  shutter.draw();
  picture.draw();
  settings.reworded();
  masks.reworded();
  zones.reworded();
  gallery.draw();
  games.draw();
  prints.draw();
  for (const show of Object.values(kept)) show();
});
