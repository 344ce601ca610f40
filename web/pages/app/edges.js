// What floats over the picture steps back when nobody touches, and is back on any touch, key or
// focus. What covers nothing of the picture stays.

const AFTER_TOUCH_MS = 3000;
// Something new to read stays longer than a touch does.
const AFTER_NEWS_MS = 8000;

// `picture()` gives the rectangle that the picture fills.
export function makeEdges(root, picture) {
  let timer = 0;
  let until = 0;
  let held = false;
  let waking = false; // the touch that goes on found everything stepped back

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
    mark();
    root.classList.add("stepped-back");
  }

  function mark() {
    const shown = picture();
    for (const edge of document.querySelectorAll(".edge")) {
      edge.classList.toggle("covers", overlap(edge.getBoundingClientRect(), shown));
    }
  }

  // Of the window, or (captured) of a video.
  addEventListener("resize", () => root.classList.contains("stepped-back") && mark(), true);

  addEventListener(
    "pointerdown",
    ({ target }) => {
      waking = root.classList.contains("stepped-back") && !target.closest(".edge:not(.covers)");
    },
    { capture: true, passive: true },
  );
  addEventListener("keydown", () => (waking = false), { capture: true, passive: true });
  // What the finger could not see it did not mean to press.
  addEventListener(
    "click",
    (event) => {
      if (!waking || !event.target.closest(".edge")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
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

// Where a picture of this shape lies in a box that shows all of it.
export function contained(box, width, height) {
  if (!width || !height) return box;
  const scale = Math.min(box.width / width, box.height / height);
  const left = box.left + (box.width - width * scale) / 2;
  const top = box.top + (box.height - height * scale) / 2;
  return { left, top, right: left + width * scale, bottom: top + height * scale };
}

export function overlap(one, other) {
  const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return across > 1 && down > 1;
}
