// Whether somebody is still there. A page that was left alone with a visitor's picture hides it and asks;
// without an answer it begins anew for whoever comes next.

export const ALONE_MS = 180000; // without a touch for this long: it asks
export const ANSWER_MS = 30000;

// What shows somebody's picture, or a camera that nobody shut. What is still being made is waited for.
const WATCHED = ["camera", "live", "style", "done", "trouble"];

export const initial = { watching: false, touchedAt: 0, askedAt: null };

// Pure. Events: screen {name}, touched, stay, tick, seen (the page again, after it was hidden). `left`
// is true when nobody answered. Times are in milliseconds of a clock that also runs while the device
// sleeps.
export function step(state, event, now) {
  const next = HANDLERS[event.type](state, event, now);
  const left = next.askedAt !== null && now - next.askedAt >= ANSWER_MS;
  return { state: left ? initial : next, left };
}

const HANDLERS = {
  screen: (s, { name }, now) => ({ watching: WATCHED.includes(name), touchedAt: now, askedAt: null }),
  // Whoever comes next touches the page as well: only an answer ends the question.
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
const byId = (id) => document.getElementById(id);

// `left()` is called when nobody is there; `words()` gives the language, or null.
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
  // Escape
  dialog.addEventListener("cancel", () => dispatch({ type: "stay" }));

  return { screen: (name) => dispatch({ type: "screen", name }) };
}
