// The photo booth's page: events go into visit.js, and its actions are done here.

import { byId, setText } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { isAvailable } from "../camera/device.js";
import { fetchStyles } from "./cards.js";
import { redeem, secretIn } from "./handover.js";
import { rememberOffer, rememberedOffer, startWorker } from "./offline.js";
import { followJob, randomKey, sendOrder } from "./order.js";
import { HeicError, prepared } from "./photo.js";
import { makePortrait } from "./portrait.js";
import { makePresence } from "./presence.js";
import { makePreviews } from "./previews.js";
import { downloadPicture } from "./result_download.js";
import { makeResult, makeScreens } from "./screens.js";
import { makeShutter } from "./shutter.js";
import { makeStage } from "./stage.js";
import * as store from "./store.js";
import { asKind, kindOf, stylesFor } from "./takes.js";
import { initial, step } from "./visit.js";
import * as waiting from "./waiting.js";
import { makingWords, workWords } from "./words.js";

const TICK_MS = 250;
const APPROVAL_EVERY_MS = 8000;
const STYLES_EVERY_MS = 15000; // the picture server may come or go while somebody chooses

let state = initial();
let photo = null; // the blob in this page, if state.photo is "file"
let words = null;
let offer; // the answer of /api/styles; undefined: not fetched yet
let ordered = null; // the order that was sent last
let abandon = null; // ends the running upload
let unfollow = null;
let stopFetching = null;
let said = "";
let historyMethod = "replaceState"; // how leaveAddress() changes the address

// On a device that visitors share.
const kiosk = new URLSearchParams(location.search).has("kiosk")
  ? (await import("./kiosk/main.js")).makeKiosk({
      begin: openFinder,
      next: () => dispatch({ type: "next" }),
      back: () => dispatch({ type: "retake" }),
      say,
    })
  : null;
const stage = makeStage();
const result = makeResult({ dispatch, say });
const screens = makeScreens({
  stage,
  result,
  chosen: (style) => dispatch({ type: "choose", style }),
});
const shutter = makeShutter({
  taken: (blob) => take(blob),
  failed: (name) => dispatch({ type: name === "live" ? "no_live" : "no_camera" }),
  facesSeen: kiosk?.facesSeen,
  stage,
  say,
});
const portrait = makePortrait({ set: use });
const previews = makePreviews({ group: byId("styles"), found: portrait.offer });
const presence = kiosk ?? makePresence({ left: () => dispatch({ type: "left" }), words: () => words });

function dispatch(event) {
  const before = state;
  const next = step(state, event, performance.now());
  state = next.state;
  // The browser's back button leads to a result that was left for another picture or style.
  const left = before.id !== null && ["retake", "again", "photo"].includes(event.type);
  historyMethod = left ? "pushState" : "replaceState";
  if (["camera", "live"].includes(before.name) && state.name !== before.name) shutter.shut();
  for (const action of next.actions) ACTIONS[action]();
  const isNew = state.name !== before.name;
  // The title of a style is said while it is made.
  if (isNew && (state.name === "style" || (state.name === "waiting" && offer === undefined))) offerStyles();
  if (isNew) presence.screen(state.name);
  show();
}

const ACTIONS = {
  send() {
    if (!photo) return queueMicrotask(() => dispatch({ type: "retake" }));
    ordered = state.order;
    abandon = sendOrder(ordered, photo, dispatch);
    return undefined;
  },
  abort() {
    abandon?.({ retried: state.name === "sending" });
    abandon = null;
  },
  keep_photo: () => photo && store.keepPhoto(photo, Date.now()),
  drop_photo() {
    store.dropPhoto();
    // The page keeps the photo of its job, for another style.
    if (state.photo !== "file") setPhoto(null);
  },
  keep_order: () => store.keep({ order: state.order }),
  keep_waiting() {
    if (!kiosk) waiting.keepWaiting(state.order, Date.now() - (performance.now() - state.orderedAt));
  },
  withdraw() {
    if (!kiosk) waiting.withdraw(ordered);
  },
  keep_id() {
    if (kiosk) return;
    store.keep({ id: state.id });
    store.reopen(state.id);
    if (location.hash !== `#${state.id}`) history.replaceState(null, "", `#${state.id}`);
  },
  keep_seen: () => store.keep({ id: state.id, seen: true }),
  forget() {
    store.keep(null);
    stage.made(null);
    leaveAddress();
  },
  close: store.closeAll,
  set_aside() {
    store.closeAll();
    leaveAddress();
  },
  follow() {
    ACTIONS.unfollow();
    unfollow = followJob(state.id, dispatch);
  },
  fetch_result() {
    const { id, job } = state;
    // What moves is shown moving.
    stopFetching = downloadPicture(job.photo_kind === "boomerang" ? job.keepsake : job.result, (event) => {
      if (id !== state.id) return;
      if (event.type === "there") result.made(event.blob, stage.made(event.blob));
      dispatch(event);
    });
  },
  unfollow() {
    unfollow?.();
    stopFetching?.();
    unfollow = stopFetching = null;
  },
  fetch_source: fetchSource,
  cancel: () => change("DELETE", null, (job) => ({ type: "job", job: job ?? cancelled() })),
  show: () => change("PATCH", { share: byId("shown").checked, carriers: byId("carriers").checked }, (job) => ({ type: "job", job })),
  remove: () => change("DELETE", null, () => ({ type: "removed" })),
};

function leaveAddress() {
  if (location.hash) history[historyMethod](null, "", location.pathname + location.search);
}

const cancelled = () => ({ ...state.job, id: state.id, state: "cancelled" });

// Sends a change of the job; `event` turns the job in the answer into an event of visit.js.
async function change(method, body, event) {
  const { id } = state;
  try {
    const response = await fetch(`api/stylise/${id}`, {
      method,
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
    if (response.status === 404) return dispatch({ type: "gone" });
    if (response.status === 409) return refuseToShow();
    if (!response.ok) throw new Error(`status ${response.status}`);
    const job = response.status === 204 ? null : await response.json();
    return id === state.id ? dispatch(event(job)) : undefined;
  } catch {
    return dispatch({ type: "unanswered" });
  }
}

// The gallery was closed, or sharing paused, while the page offered it.
async function refuseToShow() {
  dispatch({ type: "not_shown" });
  offer = (await fetchStyles()) ?? offer;
  show();
}

// A finished job has no more events, and the owner may decide about it.
async function askApproval() {
  if (state.name !== "done" || state.job?.withheld !== "waits" || document.hidden) return;
  const { id } = state;
  const response = await fetch(`api/stylise/${id}`, { cache: "no-store" }).catch(() => null);
  if (response?.ok && id === state.id) dispatch({ type: "job", job: await response.json() });
}

function fetchSource() {
  const { id, job } = state;
  stopFetching = downloadPicture(job?.source ?? `api/stylise/${id}/source.jpg`, (event) => {
    if (id !== state.id) return;
    if (event.type === "there") take(asKind(event.blob, job?.photo_kind));
    else if (event.type !== "received") dispatch({ type: "gone" });
  });
}

async function take(file) {
  if (kindOf(file) !== "single") return use(file);
  try {
    return use(await prepared(file));
  } catch (error) {
    if (!(error instanceof HeicError)) throw error;
    return dispatch({ type: "no_photo", note: "heic" });
  }
}

function use(blob) {
  setPhoto(blob);
  dispatch({ type: "photo", photo: "file" });
}

function setPhoto(blob) {
  photo = blob;
  stage.own(blob);
}

async function offerStyles() {
  offer = await fetchStyles();
  if (offer && !kiosk) rememberOffer(offer);
  // Without a network the order is sent later, in a style of the last visit.
  if (!offer && !kiosk) offer = rememberedOffer();
  // A photo of several shots is made by the station itself.
  if (offer && state.name === "style") offer.styles = stylesFor(kindOf(photo), offer.styles);
  const [first] = offer?.styles ?? [];
  if (first && !offer.styles.some(({ id }) => id === state.style)) {
    dispatch({ type: "choose", style: first.id });
  } else show();
}

function show() {
  if (!words) return;
  screens.show(state, { words, offer });
  kiosk?.show(state);
  const choosing = state.name === "style" && photo && kindOf(photo) === "single" ? photo : null;
  previews.show(choosing, offer);
  portrait.show(choosing, words);
  if (state.name === "photo") byId("last").hidden = !store.kept().id && !store.kept().order;
  // Only titles are spoken: running numbers would interrupt a screen reader all the time.
  const { title } = workWords(state, performance.now(), makingWords(state, offer, words));
  if (title && !title[0].endsWith(".percent")) say(words.say(...title));
}

function say(text) {
  if (text === said) return;
  said = text;
  setText(byId("spoken"), text);
}

function wire() {
  const on = (id, name, action) => byId(id).addEventListener(name, action);
  for (const id of ["take-file", "choose-file"]) {
    on(id, "change", ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) take(file);
    });
  }
  on("open-camera", "click", () => openFinder("camera"));
  on("use-live", "click", () => openFinder("live"));
  on("shut-camera", "click", () => dispatch({ type: "retake" }));
  on("last", "click", openLast);
  on("finish", "click", () => dispatch({ type: kiosk ? "next" : "finish" }));
  on("agree", "change", ({ target }) => dispatch({ type: "agree", share: target.checked }));
  on("screen-style", "submit", (event) => {
    event.preventDefault();
    const made_by = offer?.styles.find(({ id }) => id === state.style)?.made_by;
    dispatch({ type: "send", key: randomKey(), made_by });
  });
  on("cancel", "click", () => dispatch({ type: "cancel" }));
  for (const id of ["another-style", "try-again"]) on(id, "click", () => dispatch({ type: "again" }));
  for (const id of ["retake", "another-picture", "trouble-picture"]) {
    on(id, "click", () => dispatch({ type: "retake" }));
  }
  byId("open-camera").hidden = !isAvailable();
  byId("take").hidden = isAvailable();
}

function openFinder(name) {
  dispatch({ type: `open_${name}` });
  shutter.open(name);
}

// Resumes the visit of before a reload. What was made in another tab is not opened, since that visitor may be somebody
// else: its own address and a button open it.
async function resume() {
  if (kiosk) return show();
  const id = idInAddress();
  if (id) return dispatch({ type: "resume", id });
  if (secretIn(location.hash)) return resumeHandover();
  const sent = await waiting.takeSent();
  if (sent) store.keep({ id: sent });
  // Somebody was faster.
  if (state.name !== "photo") return undefined;
  const { id: last, seen, order } = store.kept();
  if (sent && store.hasPhotoOfThisTab()) return dispatch({ type: "resume", id: sent });
  if (last && !seen && store.isOfThisTab(last)) return dispatch({ type: "resume", id: last });
  if (store.hasPhotoOfThisTab()) return resumePhoto(order);
  // The photo of an order that was not sent stays for the button, for a while.
  if (!order || !(await store.keptPhoto(Date.now()))) store.dropPhoto();
  else sendWaiting();
  return show();
}

// The order of a visitor who has closed the page. The button leads to its picture.
async function sendWaiting() {
  try {
    await waiting.sendWaiting(new URL("../", import.meta.url));
  } catch {
    return; // at the next visit, or by Background Sync
  }
  const sent = await waiting.takeSent();
  if (sent && state.name === "photo") store.keep({ id: sent });
}

async function resumePhoto(order) {
  const blob = await store.keptPhoto(Date.now());
  if (!blob) {
    store.dropPhoto();
    if (order) store.keep(null);
    return show();
  }
  setPhoto(blob);
  if (!order) return dispatch({ type: "photo", photo: "file" });
  const since = await waiting.waitingSince(Date.now());
  return dispatch({ type: "resume_order", order, ageMs: since === null ? 0 : Date.now() - since });
}

function openLast() {
  const { id, order } = store.kept();
  return id ? dispatch({ type: "resume", id }) : resumePhoto(order);
}

// The address is of a code at a device that visitors share.
async function resumeHandover() {
  const secret = secretIn(location.hash);
  if (!secret || kiosk) return;
  dispatch({ type: "code", note: "code_asked" });
  const id = await redeem(secret);
  history.replaceState(null, "", location.pathname + location.search);
  dispatch(id ? { type: "resume", id } : { type: "code", note: "code_over" });
}

// The id of a job in the address; null where there is none or its visitor has left.
function idInAddress() {
  const [, id] = location.hash.match(/^#([0-9a-f-]{36})$/) ?? [];
  if (!id || !store.isClosed(id)) return id ?? null;
  leaveAddress();
  return null;
}

wire();
translatePage((next) => {
  words = next;
  kiosk?.reworded(words);
  show();
});
resume();
setInterval(() => ["sending", "fetching"].includes(state.name) && dispatch({ type: "tick" }), TICK_MS);
setInterval(() => state.name === "style" && offerStyles(), STYLES_EVERY_MS);
setInterval(askApproval, APPROVAL_EVERY_MS);
addEventListener("online", () => dispatch({ type: "online" }));
if (!kiosk) addEventListener("load", startWorker);
addEventListener("hashchange", () => {
  const id = idInAddress();
  if (id && id !== state.id && !kiosk) dispatch({ type: "resume", id });
  resumeHandover();
});
