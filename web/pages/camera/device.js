// What the pages use of the device: its camera, and a screen that stays on.

export function isAvailable() {
  return Boolean(globalThis.isSecureContext && navigator.mediaDevices?.getUserMedia);
}

// `facing`: "environment" for the camera at the back, "user" for the one at the front; a device with one camera
// opens that.
export function openCamera(facing) {
  return navigator.mediaDevices.getUserMedia({
    audio: false,
    video: {
      facingMode: { ideal: facing },
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30, max: 30 },
    },
  });
}

export function close(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
}

// Gives a function that keeps the screen on or lets it go, where the browser can: a phone that sleeps closes its
// camera.
export function makeWakeLock() {
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
      // Refused, for example with a low battery: the screen turns off as usual.
    }
  }
  // The browser releases the lock when the page is hidden.
  document.addEventListener("visibilitychange", hold);

  return (yes) => {
    wanted = yes;
    if (yes) hold();
    else lock?.release();
  };
}
