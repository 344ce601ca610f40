// Hides what floats over the picture (class "edge") after a while without input, and shows it again on any
// touch, key or focus. Elements beside the picture stay.

const AFTER_TOUCH_MS = 3000;
const AFTER_NOTICE_MS = 8000; // longer, to be read

// `picture()` gives the rectangle that the picture fills.
export function makeEdges(root, picture) {
  let timer = 0;
  let until = 0;
  let held = false;
  let waking = false; // the current touch began while the edges were hidden

  function showFor(forMs) {
    until = Math.max(until, performance.now() + forMs);
    root.classList.remove("stepped-back");
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (held) return;
    timer = setTimeout(hide, Math.max(until - performance.now(), 0));
  }

  function hide() {
    // Not while a button has the keyboard focus or the mouse is over one.
    const hovered = matchMedia("(hover: hover)").matches ? ".edge:hover, " : "";
    if (document.querySelector(`${hovered}.edge :focus-visible`)) return showFor(AFTER_TOUCH_MS);
    mark();
    root.classList.add("stepped-back");
  }

  function mark() {
    const shown = picture();
    for (const edge of document.querySelectorAll(".edge")) {
      edge.classList.toggle("covers", overlap(edge.getBoundingClientRect(), shown));
    }
  }

  // Of the window, or of a video: captured, since that event does not bubble.
  addEventListener("resize", () => root.classList.contains("stepped-back") && mark(), true);

  addEventListener(
    "pointerdown",
    ({ target }) => {
      waking = root.classList.contains("stepped-back") && !target.closest(".edge:not(.covers)");
    },
    true,
  );
  addEventListener("keydown", () => (waking = false), true);
  // A touch that shows a hidden button does not press it.
  addEventListener(
    "click",
    (event) => {
      if (!waking || !event.target.closest(".edge")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  for (const name of ["pointerdown", "pointermove", "keydown", "focusin"]) {
    addEventListener(name, () => showFor(AFTER_TOUCH_MS));
  }
  showFor(AFTER_TOUCH_MS);

  return {
    showLonger: () => showFor(AFTER_NOTICE_MS),
    // Keeps the edges shown, for errors.
    hold(yes) {
      if (yes === held) return;
      held = yes;
      showFor(AFTER_TOUCH_MS);
    },
  };
}

// The rectangle of a picture of this shape in a box with object-fit: contain.
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
