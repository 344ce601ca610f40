// Whether the visitor is still there. After a while without input the page hides the visitor's picture and asks;
// without an answer it starts over for the next visitor.

import { byId } from "../app/page.js";

export const ALONE_MS = 180000; // without input for this long: asks
export const ANSWER_MS = 30000;

// The screens that show a visitor's picture or an open camera. Jobs that are being made are not interrupted.
const WATCHED = ["camera", "live", "style", "done", "trouble"];

export const initial = { watching: false, touchedAt: 0, askedAt: null };

// Pure. Events: screen {name}, touched, stay, tick, seen (the page is visible again). `left` is true when nobody
// answered. Times are in milliseconds of a clock that also runs while the device sleeps.
export function step(state, event, now) {
  const next = HANDLERS[event.type](state, event, now);
  const left = next.askedAt !== null && now - next.askedAt >= ANSWER_MS;
  return { state: left ? initial : next, left };
}

const HANDLERS = {
  screen: (s, { name }, now) => ({ watching: WATCHED.includes(name), touchedAt: now, askedAt: null }),
  // The next visitor may touch the page as well, so that only an answer ends the question.
  touched: (s, _, now) => (s.askedAt === null ? { ...s, touchedAt: now } : s),
  stay: (s, _, now) => ({ ...s, touchedAt: now, askedAt: null }),
  tick: (s, _, now) =>
    s.watching && s.askedAt === null && now - s.touchedAt >= ALONE_MS ? { ...s, askedAt: now } : s,
  seen: (s, _, now) => (s.askedAt === null ? HANDLERS.tick(s, _, now) : { ...s, askedAt: now }),
};

export function secondsLeft({ askedAt }, now) {
  return Math.max(Math.ceil((askedAt + ANSWER_MS - now) / 1000), 0);
}

const TICK_MS = 1000;

// `left()` is called when nobody answered; `words()` gives the texts, or null.
export function makePresence({ left, words }) {
  const dialog = byId("presence");
  let state = initial;

  function dispatch(event) {
    const now = Date.now();
    const next = step(state, event, now);
    state = next.state;
    show(now);
    if (next.left) left();
  }

  function show(now) {
    const asks = state.askedAt !== null && words() !== null;
    if (asks) {
      const count = secondsLeft(state, now);
      byId("presence-detail").textContent = words().say("presence.detail", { count });
    }
    if (asks && !dialog.open) dialog.showModal();
    if (!asks && dialog.open) dialog.close();
  }

  setInterval(() => document.hidden || dispatch({ type: "tick" }), TICK_MS);
  for (const name of ["pointerdown", "pointermove", "keydown", "input", "wheel"]) {
    addEventListener(name, () => dispatch({ type: "touched" }), { passive: true });
  }
  document.addEventListener("visibilitychange", () => document.hidden || dispatch({ type: "seen" }));
  byId("presence-stay").addEventListener("click", () => dispatch({ type: "stay" }));
  byId("presence-leave").addEventListener("click", () => {
    dispatch({ type: "stay" });
    left();
  });
  // The Escape key.
  dialog.addEventListener("cancel", () => dispatch({ type: "stay" }));

  return { screen: (name) => dispatch({ type: "screen", name }) };
}
