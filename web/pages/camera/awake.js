// Keeps the screen on while it sends, where the browser can: a phone that sleeps closes its camera.

export function makeAwake() {
  let wanted = false;
  let lock = null;

  async function hold() {
    if (!wanted || lock || document.hidden || !navigator.wakeLock) return;
    try {
      const held = await navigator.wakeLock.request("screen");
      lock = held;
      held.addEventListener("release", () => {
        if (lock === held) lock = null;
      });
      if (!wanted) held.release();
    } catch {
      // A low battery refuses it; sending goes on as long as the screen does.
    }
  }
  // The browser lets go when the page is hidden.
  document.addEventListener("visibilitychange", hold);

  return (yes) => {
    wanted = yes;
    if (yes) hold();
    else lock?.release();
  };
}
