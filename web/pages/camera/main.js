// The camera page: events go into publishing.js, and its actions are done here.

import { byId, recall, remember, setText, withCode } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { close, isAvailable, makeWakeLock, openCamera } from "./device.js";
import { openPublisher, receivedCount, sentVideo } from "./publisher.js";
import { initial, step } from "./publishing.js";
import { cameraError, rateWords, stateWords, tokenIn } from "./words.js";

const TICK_MS = 250;
const RATE_EVERY_MS = 1000;
const COUNT_EVERY_MS = 500;
const ENDPOINT = "whip";
const TOKEN_NAME = "carrier.publish";

let state = initial();
let words = null; // not fetched yet
let secureAddress = "";
let stream = null;
let publisher = null;
let facing = "environment";
let lastRate = null;
let lastReceived = 0;

const keepAwake = makeWakeLock();
const token = byId("token");
token.value = takeToken() ?? recall(TOKEN_NAME, "sessionStorage") ?? "";

// The token of the address (#token=..., from a QR code), which is removed so that a copied address does not hold it.
function takeToken() {
  const found = tokenIn(location.hash);
  if (found) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

// In this tab only.
function keepToken(value) {
  remember(TOKEN_NAME, value || null, "sessionStorage");
}

function dispatch(event) {
  const next = step(state, event, performance.now());
  state = next.state;
  for (const action of next.actions) ACTIONS[action]();
  show();
}

const ACTIONS = {
  open_camera: startCamera,
  publish: () => publish(ENDPOINT),
  take_over: () => publish(`${ENDPOINT}?takeover=1`),
  renew: () => publisher?.renew(),
  leave() {
    publisher?.close();
    publisher = null;
  },
  close_camera() {
    close(stream);
    stream = null;
    byId("preview").srcObject = null;
  },
  forget: () => keepToken(""),
};

async function startCamera() {
  try {
    take(await openCamera(facing));
    dispatch({ type: "camera" });
  } catch (error) {
    dispatch({ type: "no_camera", ...cameraError(error) });
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
  lastRate = null;
  publisher = openPublisher({ endpoint, stream, token: token.value.trim(), tell: dispatch });
}

// The camera in use is closed first: many phones open only one at a time.
async function turn() {
  facing = facing === "environment" ? "user" : "environment";
  close(stream);
  try {
    take(await openCamera(facing));
    await publisher?.sender.replaceTrack(stream?.getVideoTracks()[0] ?? null);
  } catch (error) {
    dispatch({ type: "no_camera", ...cameraError(error) });
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
  keepAwake(running);
}

function sayState() {
  const { tone, text } = stateWords(words.say, state);
  document.documentElement.dataset.tone = tone;
  setText(byId("state"), text);
}

// The texts that a script sets: the title, and those with commands in them.
function reword(next) {
  words = next;
  document.title = words.say("sender.title");
  byId("token-help").replaceChildren(...withCode(words.say("sender.token.help")));
  const nowhere = words.say("sender.secure.nowhere", { address: secureAddress });
  byId("secure-nowhere").replaceChildren(...withCode(nowhere));
  sayState();
}

async function showRate() {
  if (state.name !== "live" || !publisher || !words) return;
  const report = await publisher.sender.getStats();
  const now = sentVideo(report.values(), lastRate);
  if (!now) return;
  byId("rate").textContent = rateWords(words, now);
  lastRate = now;
}

async function countReceived() {
  if (!publisher || (state.name !== "live" && state.name !== "mending")) return;
  const now = receivedCount((await publisher.sender.getStats()).values());
  if (now === lastReceived) return;
  lastReceived = now;
  dispatch({ type: "received" });
}

// Explains that the camera needs HTTPS, with a link to the station's HTTPS address if it has one.
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
  keepToken(token.value.trim());
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
translatePage(reword);
if (isAvailable()) {
  setInterval(() => dispatch({ type: "tick" }), TICK_MS);
  setInterval(showRate, RATE_EVERY_MS);
  setInterval(countReceived, COUNT_EVERY_MS);
  addEventListener("online", () => dispatch({ type: "online" }));
  addEventListener("pagehide", () => dispatch({ type: "stop" }));
} else {
  explainHttps();
}
