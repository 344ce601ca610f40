// Before and after: a pointer drags the line, the range input underneath takes keys and screen
// readers.

export function makeCompare(frame, range) {
  let dragging = false;

  function set(percent) {
    range.value = String(percent);
    place();
  }

  function place() {
    frame.style.setProperty("--at", `${range.value}%`);
  }

  function follow(event) {
    const { left, width } = frame.getBoundingClientRect();
    set(Math.min(Math.max(((event.clientX - left) / width) * 100, 0), 100));
  }

  range.addEventListener("input", place);
  frame.addEventListener("pointerdown", (event) => {
    if (range.hidden || event.button !== 0) return;
    dragging = true;
    frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => dragging && follow(event));
  for (const name of ["pointerup", "pointercancel"]) {
    frame.addEventListener(name, () => (dragging = false));
  }
  return { reset: () => set(50) };
}
