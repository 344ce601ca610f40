// What floats over the picture steps back when nobody touches, and is back on any touch, key or
// focus.

const AFTER_TOUCH_MS = 3000;
// Something new to read stays longer than a touch does.
const AFTER_NEWS_MS = 8000;

export function makeEdges(root) {
  let timer = 0;
  let until = 0;
  let held = false;

  function stay(forMs) {
    until = Math.max(until, performance.now() + forMs);
    root.classList.remove("stepped-back");
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (held) return;
    timer = setTimeout(stepBack, Math.max(until - performance.now(), 0));
  }

  function stepBack() {
    // A keyboard user who stands on a button keeps it; a mouse that rests on one too.
    const inUse = document.querySelector(".edge:hover, .edge :focus-visible");
    if (inUse && matchMedia("(hover: hover)").matches) return stay(AFTER_TOUCH_MS);
    if (document.querySelector(".edge :focus-visible")) return stay(AFTER_TOUCH_MS);
    root.classList.add("stepped-back");
  }

  for (const name of ["pointerdown", "pointermove", "keydown", "focusin"]) {
    addEventListener(name, () => stay(AFTER_TOUCH_MS), { passive: true });
  }
  stay(AFTER_TOUCH_MS);

  return {
    news: () => stay(AFTER_NEWS_MS),
    // While held they never step back: something is wrong and its words must stay.
    hold(yes) {
      if (yes === held) return;
      held = yes;
      stay(AFTER_TOUCH_MS);
    },
  };
}
