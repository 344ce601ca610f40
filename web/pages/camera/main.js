// Wires the parts: events go into publishing.js, what it asks for is done here.

import { offerSunlight } from "../app/sunlight.js";
import { speakLanguage } from "../app/translated.js";
import { pieces } from "../app/words.js";
import { makeAwake } from "./awake.js";
import { fromAddress, keep, kept } from "./key.js";
import { close, isAvailable, openLens } from "./lens.js";
import { openPublisher } from "./publisher.js";
import { initial, step } from "./publishing.js";
import { heard, sent } from "./rate.js";
import { cameraTrouble, rateWords, stateWords } from "./words.js";

const TICK_MS = 250;
const RATE_MS = 1000;
const LISTEN_MS = 500;
const ENDPOINT = "whip";
const byId = (id) => document.getElementById(id);

let state = initial();
let words = null; // until they have come
let secureAddress = "";
let stream = null;
let publisher = null;
let facing = "environment";
let before = null;
let lastHeard = 0;

const awake = makeAwake();
const token = byId("token");
token.value = fromAddress() ?? kept();

function dispatch(event) {
  const next = step(state, event, performance.now());
  state = next.state;
  for (const action of next.actions) ACTIONS[action]();
  show();
}

const ACTIONS = {
  look,
  publish: () => publish(ENDPOINT),
  take_over: () => publish(`${ENDPOINT}?takeover=1`),
  renew: () => publisher?.renew(),
  leave() {
    publisher?.close();
    publisher = null;
  },
  dark() {
    close(stream);
    stream = null;
    byId("preview").srcObject = null;
  },
  forget: () => keep(""),
};

async function look() {
  try {
    take(await openLens(facing));
    dispatch({ type: "camera" });
  } catch (error) {
    dispatch({ type: "no_camera", ...cameraTrouble(error) });
  }
}

function take(next) {
  close(stream);
  // Stopped while the browser was still asking for permission.
  if (state.name === "idle") return close(next);
  stream = next;
  const [track] = stream.getVideoTracks();
  track.onended = () => dispatch({ type: "no_camera", kind: "ended", detail: "" });
  const preview = byId("preview");
  preview.srcObject = stream;
  preview.classList.toggle("mirrored", track.getSettings?.().facingMode === "user");
  return undefined;
}

function publish(endpoint) {
  publisher?.close();
  before = null;
  publisher = openPublisher({ endpoint, stream, token: token.value.trim(), tell: dispatch });
}

// The camera in use is closed first: many phones open only one at a time.
async function turn() {
  facing = facing === "environment" ? "user" : "environment";
  close(stream);
  try {
    take(await openLens(facing));
    await publisher?.sender.replaceTrack(stream?.getVideoTracks()[0] ?? null);
  } catch (error) {
    dispatch({ type: "no_camera", ...cameraTrouble(error) });
  }
}

function show() {
  document.documentElement.dataset.sending = state.name;
  if (words) sayState();
  const running = state.name !== "idle" && state.name !== "refused";
  byId("form").hidden = running || !isAvailable();
  byId("running").hidden = !running;
  byId("take-over").hidden = state.reason?.kind !== "occupied" || state.name !== "waiting";
  byId("rate").hidden = state.name !== "live";
  awake(running);
}

function sayState() {
  const { tone, text } = stateWords(words.say, state);
  document.documentElement.dataset.tone = tone;
  const line = byId("state");
  if (line.textContent !== text) line.textContent = text;
}

// Texts that a script has to put there: those with commands in them, and the title.
function reword(next) {
  words = next;
  document.title = words.say("sender.title");
  write("token-help", words.say("sender.token.help"));
  write("secure-nowhere", words.say("sender.secure.nowhere", { address: secureAddress }));
  sayState();
}

function write(id, text) {
  const parts = pieces(text).map((piece) => {
    if (!piece.code) return piece.text;
    const code = document.createElement("code");
    code.textContent = piece.text;
    return code;
  });
  byId(id).replaceChildren(...parts);
}

async function showRate() {
  if (state.name !== "live" || !publisher || !words) return;
  const report = await publisher.sender.getStats();
  const now = sent(report.values(), before);
  if (!now) return;
  byId("rate").textContent = rateWords(words, now);
  before = now;
}

async function listen() {
  if (!publisher || (state.name !== "live" && state.name !== "mending")) return;
  const now = heard((await publisher.sender.getStats()).values());
  if (now === lastHeard) return;
  lastHeard = now;
  dispatch({ type: "heard" });
}

// Says plainly what is missing, and where it is to be had.
async function explainHttps() {
  byId("insecure").hidden = false;
  const secure = new URL(location.href);
  secure.protocol = "https:";
  secure.port = "8443";
  secure.hash = token.value ? `token=${encodeURIComponent(token.value)}` : "";
  const status = await fetch("api/status").then((response) => response.json(), () => ({}));
  if (status.https_port) secure.port = String(status.https_port);
  byId("secure-link").href = secure.href;
  secure.hash = "";
  secureAddress = secure.href;
  if (words) reword(words);
  byId("secure-there").hidden = !status.https_port;
  byId("secure-nowhere").hidden = Boolean(status.https_port);
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep(token.value.trim());
  dispatch({ type: "start" });
  byId("stop").focus();
});
byId("stop").addEventListener("click", () => {
  dispatch({ type: "stop" });
  byId("start").focus();
});
byId("turn").addEventListener("click", turn);
byId("take-over").addEventListener("click", () => dispatch({ type: "take_over" }));

show();
offerSunlight(byId("sunlight"));
speakLanguage(byId("language"), reword);
if (isAvailable()) {
  setInterval(() => dispatch({ type: "tick" }), TICK_MS);
  setInterval(showRate, RATE_MS);
  setInterval(listen, LISTEN_MS);
  addEventListener("online", () => dispatch({ type: "online" }));
  addEventListener("pagehide", () => dispatch({ type: "stop" }));
} else {
  explainHttps();
}
