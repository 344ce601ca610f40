// The photo booth's page: events go into visit.js, and its actions are done here.

import { byId, setText } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { isAvailable } from "../camera/device.js";
import { fetchStyles } from "./cards.js";
import { download } from "./download.js";
import { followJob, randomKey, sendOrder } from "./order.js";
import { prepared } from "./photo.js";
import { makePresence } from "./presence.js";
import { makeResult, makeScreens } from "./screens.js";
import { makeShutter } from "./shutter.js";
import { makeStage } from "./stage.js";
import * as store from "./store.js";
import { asKind, kindOf, stylesFor } from "./takes.js";
import { initial, step } from "./visit.js";
import { workWords } from "./words.js";

const TICK_MS = 250;
const STYLES_EVERY_MS = 15000; // the picture server may come or go while somebody chooses

let state = initial();
let photo = null; // the blob in this page, if state.photo is "file"
let words = null;
let offer; // the answer of /api/styles; undefined: not fetched yet
let abandon = null; // ends the running upload
let unfollow = null;
let stopFetching = null;
let said = "";
let historyMethod = "replaceState"; // how leaveAddress() changes the address

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
  stage,
  say,
});
const presence = makePresence({ left: () => dispatch({ type: "left" }), words: () => words });

function dispatch(event) {
  const before = state;
  const next = step(state, event, performance.now());
  state = next.state;
  // The browser's back button leads to a result that was left for another picture or style.
  const left = before.id !== null && ["retake", "again", "photo"].includes(event.type);
  historyMethod = left ? "pushState" : "replaceState";
  if (["camera", "live"].includes(before.name) && state.name !== before.name) shutter.shut();
  for (const action of next.actions) ACTIONS[action]();
  if (state.name === "style" && before.name !== "style") offerStyles();
  if (state.name !== before.name) presence.screen(state.name);
  show();
}

const ACTIONS = {
  send() {
    if (!photo) return queueMicrotask(() => dispatch({ type: "retake" }));
    abandon = sendOrder(state.order, photo, dispatch);
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
  keep_id() {
    store.keep({ id: state.id });
    store.reopen(state.id);
    if (location.hash !== `#${state.id}`) history.replaceState(null, "", `#${state.id}`);
  },
  keep_seen: () => store.keep({ id: state.id, seen: true }),
  forget() {
    store.keep(null);
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
    stopFetching = download(job.photo_kind === "boomerang" ? job.keepsake : job.result, (event) => {
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
  show: () => change("PATCH", { share: byId("shown").checked }, (job) => ({ type: "job", job })),
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
    if (!response.ok) throw new Error(`status ${response.status}`);
    const job = response.status === 204 ? null : await response.json();
    return id === state.id ? dispatch(event(job)) : undefined;
  } catch {
    return dispatch({ type: "unanswered" });
  }
}

function fetchSource() {
  const { id, job } = state;
  stopFetching = download(job?.source ?? `api/stylise/${id}/source.jpg`, (event) => {
    if (id !== state.id) return;
    if (event.type === "there") take(asKind(event.blob, job?.photo_kind));
    else if (event.type !== "received") dispatch({ type: "gone" });
  });
}

async function take(file) {
  setPhoto(kindOf(file) === "single" ? await prepared(file) : file);
  dispatch({ type: "photo", photo: "file" });
}

function setPhoto(blob) {
  photo = blob;
  stage.own(blob);
}

async function offerStyles() {
  offer = await fetchStyles();
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
  if (state.name === "photo") byId("last").hidden = !store.kept().seen;
  // Only titles are spoken: running numbers would interrupt a screen reader all the time.
  const { title } = workWords(state, performance.now());
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
  on("open-camera", "click", () => {
    dispatch({ type: "open_camera" });
    shutter.open("camera");
  });
  on("use-live", "click", () => {
    dispatch({ type: "open_live" });
    shutter.open("live");
  });
  on("shut-camera", "click", () => dispatch({ type: "retake" }));
  on("last", "click", () => dispatch({ type: "resume", id: store.kept().id }));
  on("finish", "click", () => dispatch({ type: "finish" }));
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

// Resumes the visit of before a reload. A result that was seen already is not opened, since the next visitor may
// be somebody else; its own address and a button open it.
async function resume() {
  const id = idInAddress();
  const { id: last, seen, order } = store.kept();
  if (id) return dispatch({ type: "resume", id });
  if (last && !seen) return dispatch({ type: "resume", id: last });
  const mine = order || store.hasPhotoOfThisTab();
  const blob = mine ? await store.keptPhoto(Date.now()) : null;
  if (blob) setPhoto(blob);
  else store.dropPhoto();
  if (order && blob) return dispatch({ type: "resume_order", order });
  return blob ? dispatch({ type: "photo", photo: "file" }) : show();
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
  show();
});
resume();
setInterval(() => ["sending", "fetching"].includes(state.name) && dispatch({ type: "tick" }), TICK_MS);
setInterval(() => state.name === "style" && offerStyles(), STYLES_EVERY_MS);
addEventListener("online", () => dispatch({ type: "online" }));
addEventListener("hashchange", () => {
  const id = idInAddress();
  if (id && id !== state.id) dispatch({ type: "resume", id });
});
