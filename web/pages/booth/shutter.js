// The camera screen: a viewfinder, a countdown, and the photo of what was shown at its end.

import { byId, setText } from "../app/page.js";
import { close, openCamera } from "../camera/device.js";
import { digitSpot } from "./digit_spot.js";
import { download } from "./download.js";
import { watchFaces } from "./faces.js";
import { countDown, grabbed } from "./photo.js";
import { shotsOf, takeSheet } from "./takes.js";

// `taken` gets the photo; `failed` gets the viewfinder's name ("camera" or "live") when it has no picture; `facesSeen`
// gets the faces in the live picture.
export function makeShutter({ taken, failed, facesSeen, stage, say }) {
  const finders = { camera: makeCameraFinder(stage), live: makeLiveFinder(stage, facesSeen) };
  const shutter = byId("shutter");
  let open = null; // the name of the open viewfinder
  let counting = null; // the AbortController of the running countdown

  function lost() {
    const name = open;
    shut();
    failed(name);
  }

  function shut() {
    counting?.abort();
    counting = null;
    if (open) finders[open].shut();
    open = null;
    byId("count").hidden = true;
    byId("frame").classList.remove("taken");
  }

  async function release() {
    if (!open || counting) return;
    const finder = finders[open];
    counting = new AbortController();
    const { signal } = counting;
    byId("takes").disabled = true;
    const photo = await (kind() === "single" ? takeOne(finder, signal) : takeSeveral(finder, signal));
    byId("takes").disabled = false;
    if (signal.aborted) return;
    counting = null;
    if (!photo) return lost();
    shut();
    taken(photo);
  }

  const kind = () => document.querySelector("#takes :checked").value;

  async function count(signal) {
    await countDown((count) => {
      byId("count").hidden = false;
      byId("count").textContent = String(count);
      place(finders[open].faces());
      say(String(count));
    }, signal);
    byId("count").hidden = true;
  }

  async function takeOne(finder, signal) {
    await count(signal);
    return signal.aborted ? null : finder.grab();
  }

  function takeSeveral(finder, signal) {
    const frame = byId("frame");
    return takeSheet(kind(), {
      surface: finder.surface,
      count: () => count(signal),
      shot(index) {
        const text = `${index + 1} / ${shotsOf(kind())}`;
        setText(byId("heading-camera"), text);
        say(text);
      },
      taken() {
        frame.classList.remove("taken");
        requestAnimationFrame(() => frame.classList.add("taken"));
      },
      signal,
    });
  }

  function place(faces) {
    const { width, height } = byId("frame").getBoundingClientRect();
    const { x, y } = digitSpot(faces, width / height);
    byId("count").style.setProperty("--x", `${x * 100}%`);
    byId("count").style.setProperty("--y", `${y * 100}%`);
  }

  shutter.addEventListener("click", release);
  byId("turn-camera").addEventListener("click", () => counting || finders.camera.turn());

  return {
    shut,
    open(name) {
      shut();
      open = name;
      shutter.disabled = true;
      finders[name].open({
        ready: (yes) => (shutter.disabled = !yes),
        lost: () => open === name && lost(),
      });
    },
  };
}

// The viewfinder of this device's camera: a preview and a guide for the face.
function makeCameraFinder(stage) {
  const lens = byId("lens");
  let stream = null;
  let facing = "user";
  let events = null; // {ready, lost}, while it is open

  async function start() {
    const mine = events;
    try {
      const next = await openCamera(facing);
      close(stream);
      // Closed while the browser was still asking for permission.
      if (events !== mine) return close(next);
      stream = next;
      lens.srcObject = next;
      lens.classList.toggle("mirrored", facing === "user");
      await lens.play();
      stage.shape(lens.videoWidth, lens.videoHeight);
      mine.ready(true);
    } catch {
      if (events === mine) mine.lost();
    }
    return undefined;
  }

  function show(yes) {
    lens.hidden = !yes;
    byId("guide").toggleAttribute("hidden", !yes);
  }

  return {
    open(handlers) {
      events = handlers;
      show(true);
      start();
    },
    shut() {
      events = null;
      close(stream);
      stream = null;
      lens.srcObject = null;
      show(false);
    },
    grab: () => (stream ? grabbed(lens) : null),
    faces: () => null,
    surface: () => (stream ? lens : null),
    turn() {
      if (!events) return;
      facing = facing === "user" ? "environment" : "user";
      events.ready(false);
      // Many phones open only one camera at a time.
      close(stream);
      start();
    },
  };
}

const SNAPSHOT = new URL("../snapshot.jpg?boxes=0", import.meta.url);
const SNAPSHOT_EVERY_MS = 200; // more often would take bandwidth from the viewers
const KIOSK_EVERY_MS = 100; // one device at a station, on which everybody looks
const FAILURES_MAX = 3; // requests in a row; then there is no live picture
const HIDDEN_POLL_MS = 1000; // how often a hidden page checks whether it is visible again

// The viewfinder of the station's live picture: one snapshot after the other. The photo is the very snapshot
// that was shown, byte for byte.
function makeLiveFinder(stage, facesSeen) {
  const isKiosk = "kiosk" in document.documentElement.dataset;
  const everyMs = isKiosk ? KIOSK_EVERY_MS : SNAPSHOT_EVERY_MS;
  const canvas = byId("live");
  let events = null; // {ready, lost}, while it is open
  let shown = null; // the snapshot on the canvas
  let end = null; // of the running request
  let timer = 0;
  let faces = null;
  let stopWatching = null;

  function next() {
    if (document.hidden) return void (timer = setTimeout(next, HIDDEN_POLL_MS));
    const mine = events;
    const askedAt = performance.now();
    let failures = 0;
    SNAPSHOT.searchParams.set("t", String(Date.now()));
    end = download(SNAPSHOT.href, async (event) => {
      if (event.type === "received") {
        if (event.retryAt === null || (failures += 1) < FAILURES_MAX) return;
      } else if (event.type === "there" && (await draw(event.blob, mine))) {
        if (events === mine) timer = setTimeout(next, Math.max(askedAt + everyMs - performance.now(), 0));
        return;
      }
      if (events === mine) mine.lost();
    });
  }

  async function draw(blob, mine) {
    try {
      const bitmap = await createImageBitmap(blob);
      if (events !== mine) return true;
      const { width, height } = bitmap;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
      bitmap.close();
      stage.shape(width, height);
      canvas.hidden = false;
      shown = blob;
      mine.ready(true);
      return true;
    } catch {
      return false;
    }
  }

  return {
    open(handlers) {
      events = handlers;
      stopWatching = watchFaces((seen) => {
        faces = isKiosk ? seen.map(mirrored) : seen;
        facesSeen?.(seen);
      });
      next();
    },
    shut() {
      events = null;
      shown = null;
      faces = null;
      stopWatching?.();
      clearTimeout(timer);
      end?.();
      canvas.hidden = true;
      // No picture stays in memory.
      Object.assign(canvas, { width: 1, height: 1 });
    },
    grab: () => shown,
    faces: () => faces,
    surface: () => (shown ? canvas : null),
  };
}

// A shared device shows the live picture like a mirror.
function mirrored({ x1, x2, ...rest }) {
  return { ...rest, x1: 1 - x2, x2: 1 - x1 };
}
