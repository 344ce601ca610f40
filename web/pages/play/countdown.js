// The clock of a round: seconds, and a bar that becomes shorter. Drawn for each picture of the display, and only while the
// page is visible and a clock runs.

import { setText } from "../app/page.js";

const HURRY_S = 5;

// {seconds, share} at `now` of the station's time; both are full before the clock's beginning.
export function clockAt({ ends_at_ms, total_ms }, now) {
  const left = Math.min(Math.max(ends_at_ms - now, 0), total_ms);
  return { seconds: Math.ceil(left / 1000), share: total_ms > 0 ? left / total_ms : 0 };
}

// `now()` is the station's time in milliseconds or null, `tick()` is called for each of the last seconds.
export function makeCountdown({ root, seconds, bar, now, tick }) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");
  let countdown = null;
  let shown = null;
  let frame = 0;

  function draw() {
    frame = 0;
    const time = now();
    if (!countdown || time === null) return;
    const at = clockAt(countdown, time);
    const isNext = at.seconds !== shown;
    if (isNext && shown !== null && at.seconds < shown && at.seconds > 0 && at.seconds <= HURRY_S) tick();
    if (isNext) {
      shown = at.seconds;
      setText(seconds, String(at.seconds));
      root.toggleAttribute("data-hurry", at.seconds <= HURRY_S);
    }
    if (isNext || !isStill.matches) bar.style.setProperty("scale", `${at.share} 1`);
    if (at.share > 0) plan();
  }

  function plan() {
    if (frame === 0 && countdown && !document.hidden) frame = requestAnimationFrame(draw);
  }

  document.addEventListener("visibilitychange", plan);

  return {
    // Null where no clock runs: its place stays.
    show(next) {
      if (next?.ends_at_ms !== countdown?.ends_at_ms) shown = null;
      countdown = next;
      root.style.visibility = countdown ? "visible" : "hidden";
      plan();
    },
  };
}
