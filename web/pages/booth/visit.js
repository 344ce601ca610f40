// The state machine of a visit to the photo booth. Pure: `step(state, event, now)` gives the next state and the
// actions to do; times are in milliseconds of the caller's clock.
//
//   photo     the start: take a picture, choose one, or use the live one
//   camera    the viewfinder of this device's camera
//   live      the viewfinder of the station's live picture
//   style     there is a picture, and a style is chosen
//   sending   the order is uploaded, or waits for its next attempt
//   waiting   the station has the order
//   fetching  the result is made and downloaded
//   done      the result is shown
//   trouble   something failed; state.trouble says why

import { waitMs } from "../app/backoff.js";

// An upload without progress for this long is started again. Buffers of a slow network may hold the last of it, so
// that each attempt gets twice the time of the one before.
export const STALLED_MS = 20000;
export const STALLED_MAX_MS = 320000;
export const NOT_SENT_MAX_MS = 3600e3; // an order that could not be sent for so long is given up
export const SERVER_ERRORS_MAX = 5; // in a row; then the visitor is told
const RETRY_AFTER_MAX_MS = 120000; // a longer Retry-After is cut to this

export function initial() {
  return {
    name: "photo",
    photo: null, // "file" (in this page) or "job" (at the station, see `id`)
    style: null,
    share: false,
    order: null, // {key, style, made_by, share}: sent with the same key in each attempt
    sent: 0, // bytes of the upload, or of the download
    total: 0,
    movedAt: null, // when the running attempt last made progress; null: none is running
    retryAt: null, // when the next attempt is due; null: none is planned
    orderedAt: null, // when the order was given
    failures: 0, // attempts in a row that failed
    why: null, // the cause of the planned attempt: "unreachable", "offline", "busy", "broken"
    id: null,
    job: null, // as the station last sent it
    reachable: true,
    cancelling: false,
    trouble: null, // {kind, detail}
    // One line: "cancelled", "code_asked", "code_over", "erased", "expired", "gone", "heic", "no_camera", "no_live",
    // "not_sent", "not_shown", "unanswered".
    note: null,
  };
}

// Events: open_camera, no_camera, open_live, no_live, photo {photo}, no_photo {note}, retake, choose {style}, agree {share}, send
// {key, made_by}, progress {sent, total}, answer {status, id, retryAfterMs, detail}, unreachable {isOffline}, online, tick,
// cancel, job {job}, gone, lost, received {received, total, retryAt} (of the result), there (the result), refused
// (the result), show (in the gallery, or not), remove, removed, unanswered (cancel, show or remove), not_shown (the station
// shows nothing more in the gallery), again (another
// style), resume {id}, resume_order {order, ageMs}, finish (the visitor is done), code {note} (of a shared device), left (the
// visitor has gone away), next (the next visitor's turn, on a device that visitors share).
// Actions: "send", "abort", "keep_photo", "drop_photo", "keep_order", "keep_waiting" (the order waits for a
// network), "withdraw" (it is cancelled), "keep_id", "keep_seen", "forget", "close" (the
// browser's back button opens none of this tab's jobs any more), "set_aside" (the same, but the page offers the last
// one), "follow", "fetch_result", "unfollow" (ends both), "fetch_source", "cancel", "show", "remove".
export function step(state, event, now) {
  const handler = HANDLERS[event.type];
  return handler ? handler(state, event, now) : same(state);
}

const HANDLERS = {
  open_camera: (s) => on(s, "photo", { name: "camera", note: null }),
  no_camera: (s) => on(s, "camera", { name: "photo", note: "no_camera" }),
  open_live: (s) => on(s, "photo", { name: "live", note: null }),
  no_live: (s) => on(s, "live", { name: "photo", note: "no_live" }),
  photo: onPhoto,
  no_photo: (s, { note }) => on(s, "photo", { note }),
  retake: (s) => restart(s, null),
  choose: (s, { style }) => on(s, "style", { style, note: null }),
  agree: (s, { share }) => on(s, "style", { share }),
  send: onSend,
  progress: (s, { sent, total }, now) =>
    on(s, "sending", { sent, total, movedAt: s.movedAt === null ? null : now }),
  answer: onAnswer,
  unreachable: onUnreachable,
  online: (s, _, now) => (s.name === "sending" && s.retryAt !== null ? attempt(s, now) : same(s)),
  tick: onTick,
  cancel: onCancel,
  job: onJob,
  gone: (s) => (s.id === null ? same(s) : restart(s, "gone")),
  lost: (s) => on(s, "waiting", { reachable: false }),
  received: (s, { received, total, retryAt }) => on(s, "fetching", { sent: received, total, retryAt }),
  there: (s) =>
    s.name === "fetching"
      ? { state: { ...s, name: "done", retryAt: null }, actions: ["keep_seen"] }
      : same(s),
  refused: (s) => (s.name === "fetching" ? trouble(s, { kind: "401", detail: "" }) : same(s)),
  unanswered: (s) => same({ ...s, cancelling: false, note: "unanswered" }),
  not_shown: (s) => on(s, "done", { note: "not_shown" }),
  show: (s) => (s.name === "done" ? { state: { ...s, note: null }, actions: ["show"] } : same(s)),
  remove: (s) => (s.name === "done" ? { state: { ...s, note: null }, actions: ["remove"] } : same(s)),
  removed: (s) => restart(s, "erased"),
  code: (s, { note }) => on(s, "photo", { note }),
  finish: (s) => (s.name === "done" ? restart(s, null, ["forget", "close"]) : same(s)),
  left: onLeft,
  next: () => ({ state: initial(), actions: ["abort", "unfollow", "forget", "drop_photo"] }),
  again: onAnotherStyle,
  resume: (s, { id }) => ({
    state: { ...initial(), name: "waiting", id, photo: "job" },
    actions: ["abort", "keep_id", "follow"],
  }),
  resume_order: (s, { order, ageMs = 0 }, now) => {
    const { style, share } = order;
    return attempt({ ...initial(), name: "sending", photo: "file", style, share, order, orderedAt: now - ageMs }, now);
  },
};

function onPhoto(state, { photo }) {
  if (!["photo", "camera", "live", "style"].includes(state.name)) return same(state);
  const next = { ...state, name: "style", photo, note: null, trouble: null, id: null, job: null };
  const actions = ["keep_photo"];
  // The source of a job was fetched to be made in another style.
  if (state.id !== null) actions.unshift("unfollow", "forget");
  return { state: next, actions };
}

function onSend(state, { key, made_by }, now) {
  if (state.name !== "style" || !state.style) return same(state);
  if (state.photo !== "file") return same(state);
  const { style, share } = state;
  const order = { key, style, made_by, share };
  const fresh = { ...state, name: "sending", order, orderedAt: now, failures: 0, why: null, note: null, job: null };
  const { state: next, actions } = attempt(fresh, now);
  return { state: next, actions: ["keep_order", ...actions] };
}

function attempt(state, now) {
  const next = { ...state, movedAt: now, retryAt: null, sent: 0, total: 0 };
  return { state: next, actions: ["send"] };
}

// The order is kept in the browser, for when the network is back.
function onUnreachable(state, { isOffline = false }, now) {
  if (state.name !== "sending") return same(state);
  if (now - state.orderedAt > NOT_SENT_MAX_MS) return restart(state, "not_sent");
  const { state: next, actions } = retryLater(state, isOffline ? "offline" : "unreachable", now);
  return { state: next, actions: [...actions, "keep_waiting"] };
}

function onAnswer(state, { status, id, retryAfterMs = 0, detail = "" }, now) {
  if (state.name !== "sending") return same(state);
  if (status === 202 && id) {
    const next = { ...state, name: "waiting", id, order: null, movedAt: null, retryAt: null };
    const own = { job: null, failures: 0, reachable: true, cancelling: false };
    return { state: { ...next, ...own }, actions: ["keep_id", "drop_photo", "follow"] };
  }
  if (status === 429) return retryLater(state, "busy", now, retryAfterMs);
  if (status === 408) return retryLater(state, "unreachable", now);
  const temporary = status >= 500 && (status !== 503 || retryAfterMs > 0);
  if (temporary && state.failures + 1 < SERVER_ERRORS_MAX) return retryLater(state, "broken", now, retryAfterMs);
  return trouble(state, { kind: status === 503 ? "other" : String(status), detail });
}

// Plans the next attempt, with the same order and key.
function retryLater(state, why, now, askedForMs = 0) {
  if (state.name !== "sending") return same(state);
  const failures = state.failures + 1;
  const wait = Math.max(waitMs(failures), Math.min(askedForMs, RETRY_AFTER_MAX_MS));
  const next = { ...state, failures, why, movedAt: null, retryAt: now + wait };
  return { state: next, actions: ["abort"] };
}

function onTick(state, _, now) {
  if (state.name !== "sending") return same(state);
  if (state.retryAt !== null && now >= state.retryAt) return attempt(state, now);
  const timeoutMs = Math.min(STALLED_MS * 2 ** state.failures, STALLED_MAX_MS);
  if (state.movedAt !== null && now - state.movedAt >= timeoutMs) {
    return retryLater(state, "unreachable", now);
  }
  return same(state);
}

function onCancel(state) {
  if (state.name === "sending") {
    const next = { ...state, name: "style", order: null, movedAt: null, retryAt: null };
    return { state: { ...next, note: "cancelled" }, actions: ["abort", "withdraw", "forget", "keep_photo"] };
  }
  if (state.name === "waiting" && state.id && !state.cancelling) {
    return { state: { ...state, cancelling: true }, actions: ["cancel"] };
  }
  return same(state);
}

function onJob(state, { job }) {
  if (state.id === null || job.id !== state.id) return same(state);
  const next = { ...state, job, reachable: true, share: job.share, style: job.style ?? state.style };
  switch (job.state) {
    case "done":
      return onMade(next);
    case "failed":
      return { state: trouble(next, { kind: "job", detail: job.error ?? "" }).state, actions: [] };
    case "cancelled":
      return backAfter(next, "cancelled");
    case "expired":
      return restart(next, "expired");
    default:
      return { state: { ...next, name: "waiting" }, actions: [] };
  }
}

// The result is shown only when it is downloaded.
function onMade(state) {
  if (["fetching", "done"].includes(state.name)) return same(state);
  const fresh = { name: "fetching", cancelling: false, sent: 0, total: null, retryAt: null };
  return { state: { ...state, ...fresh }, actions: ["fetch_result"] };
}

// Back to the choice of a style, if the photo is still in this page.
function backAfter(state, note) {
  if (state.photo !== "file") return restart(state, note);
  const next = { ...state, name: "style", note, id: null, job: null, cancelling: false };
  return { state: next, actions: ["unfollow", "forget", "keep_photo"] };
}

function onAnotherStyle(state) {
  if (!["done", "trouble"].includes(state.name) || !state.photo) return same(state);
  const next = { ...state, name: "style", share: false, trouble: null, note: null };
  if (state.photo === "job") return { state: next, actions: ["unfollow", "fetch_source"] };
  const actions = ["unfollow", "forget"];
  if (state.photo === "file") actions.push("keep_photo");
  return { state: { ...next, id: null, job: null }, actions };
}

function trouble(state, why) {
  const next = { ...state, name: "trouble", trouble: why, order: null };
  return { state: { ...next, movedAt: null, retryAt: null }, actions: ["abort", "unfollow", "forget"] };
}

// Starts over for the next visitor. A job that is being made is not given up.
function onLeft(state) {
  if (["photo", "sending", "waiting", "fetching"].includes(state.name)) return same(state);
  return restart(state, null, state.name === "done" ? ["set_aside"] : ["forget", "close"]);
}

// Starts over; the chosen style stays.
function restart(state, note, leave = ["forget"]) {
  const next = { ...initial(), style: state.style, note };
  return { state: next, actions: ["abort", "unfollow", ...leave, "drop_photo"] };
}

function on(state, name, change) {
  return same(state.name === name ? { ...state, ...change } : state);
}

function same(state) {
  return { state, actions: [] };
}
