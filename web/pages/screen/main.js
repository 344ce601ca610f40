// The station's screen in a browser, for a tablet or a second display: the station computes the layout for this window,
// and this page draws it over the live picture.

import { initial, step } from "../app/connection.js";
import { byId, setText } from "../app/page.js";
import { openPlayer } from "../app/player.js";
import { makeSimpleStream, makeStage } from "../app/stage.js";
import { makeStatus } from "../app/status.js";
import { translatePage } from "../app/translated.js";
import { makeWakeLock } from "../camera/device.js";
import { drawPanels, feedStyle, isSame } from "./drawing.js";

const TICK_MS = 250;
const LAYOUT_EVERY_MS = 1000;

const parameters = new URLSearchParams(location.search);
const context = byId("panels").getContext("2d");
let theme = parameters.get("theme"); // null: as the station's screen
let hasLargeCodes = false;
let words = null;
let layout = null;
let asking = null; // aborts the question in progress
let isLost = false;

// The picture

let state = initial();
let player = null;
const showSimpleStream = makeSimpleStream(byId("simple"), () => dispatch({ type: "simple_failed" }));
const stage = makeStage(byId("video"), byId("last"), () => player && dispatch({ type: "picture" }));
const status = makeStatus({ tell: dispatch, show() {} });

const ACTIONS = {
  open() {
    ACTIONS.close();
    player = openPlayer({ endpoint: "whep", asksForServers: true, tell: fromPlayer });
  },
  close() {
    stage.freeze();
    player?.close();
    player = null;
  },
  probe: () => status.ask(),
  renew: () => player?.renew(),
};

function fromPlayer(event) {
  if (event.type === "track") stage.play(event.track);
  else dispatch(event);
}

function dispatch(event) {
  const before = state;
  const next = step(state, event, performance.now());
  state = next.state;
  for (const action of next.actions) ACTIONS[action]();
  if (state.name === before.name) return;
  showSimpleStream(state.name === "fallback");
  status.live(state.name === "live");
}

// The layout

async function askForLayout() {
  asking?.abort();
  const abort = new AbortController();
  asking = abort;
  const ratio = devicePixelRatio;
  const [width, height] = [innerWidth, innerHeight].map((side) => Math.max(Math.round(side * ratio), 1));
  const question = new URLSearchParams({ width, height, codes: hasLargeCodes });
  if (theme) question.set("theme", theme);
  try {
    const response = await fetch(`api/screen?${question}`, { cache: "no-store", signal: abort.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(await response.json(), { width, height, ratio });
    isLost = false;
  } catch (error) {
    if (error.name === "AbortError") return;
    isLost = true;
  }
  showTrouble();
}

function show(report, window) {
  const next = { report, window };
  if (isSame(next, layout)) return;
  layout = next;
  const { canvas } = context;
  canvas.width = window.width;
  canvas.height = window.height;
  document.documentElement.style.background = report.ground;
  document.body.style.background = report.ground;
  const style = feedStyle(report, window.ratio);
  byId("feed").hidden = !style;
  Object.assign(byId("feed").style, style);
  byId("feed").classList.toggle("stretched", report.is_stretched);
  drawPanels(context, report);
}

function showTrouble() {
  byId("trouble").hidden = !isLost;
  const key = state.restartingSince === null ? "gallery.unreachable" : "live.restarting";
  if (isLost && words) setText(byId("trouble"), words.say(key));
}

// Keys and taps

const KEYS = {
  q: toggleCodes,
  l() {
    theme = theme === "bright" ? "dark" : "bright";
    askForLayout();
  },
  f() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  },
};

function toggleCodes() {
  hasLargeCodes = !hasLargeCodes;
  askForLayout();
}

addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey, repeat }) => {
  if (!ctrlKey && !metaKey && !altKey && !repeat) KEYS[key.toLowerCase()]?.();
});
// The first tap also makes the page full screen, which browsers permit only then.
byId("panels").addEventListener("click", () => {
  if (!document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {});
  toggleCodes();
});
addEventListener("resize", askForLayout);

translatePage((next) => {
  words = next;
  showTrouble();
});
makeWakeLock()(true);
dispatch({ type: "start" });
status.ask();
askForLayout();
setInterval(() => dispatch({ type: "tick" }), TICK_MS);
setInterval(() => !document.hidden && askForLayout(), LAYOUT_EVERY_MS);
for (const type of ["online", "offline"]) addEventListener(type, () => dispatch({ type }));
addEventListener("pagehide", () => player?.close());
addEventListener("pageshow", (event) => event.persisted && dispatch({ type: "restored" }));
document.addEventListener("visibilitychange", () => {
  dispatch({ type: document.hidden ? "hidden" : "visible" });
  if (document.hidden) return;
  status.ask();
  askForLayout();
});
