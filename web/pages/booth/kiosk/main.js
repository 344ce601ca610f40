// The booth on a device that visitors share (/booth?kiosk): nothing of a visit stays on it. The visit itself is that
// of every booth; this adds what comes before and after it.

import { byId } from "../../app/page.js";
import { loadStyleSheet } from "../../app/style_sheet.js";
import { translate } from "../../app/translated.js";
import { isAvailable, makeWakeLock } from "../../camera/device.js";
import { watchFaces } from "../faces.js";
import { stopWorker } from "../offline.js";
import { keepNothing } from "../store.js";
import { makeAttract } from "./attract.js";
import * as hold from "./hold.js";
import * as idle from "./idle.js";
import { makeTakeHome } from "./take_home.js";

const TICK_MS = 500;
const NO_PRESS = ["Tab", "Shift", "Control", "Alt", "Meta", "Escape", "AltGraph", "CapsLock"];

// `begin(finder)` opens the viewfinder "live" or "camera"; `next()` ends the visit; `back()` leaves the viewfinder.
export function makeKiosk({ begin, next, back, say }) {
  const finder = byFinder(new URLSearchParams(location.search).get("kiosk"));
  let words = null;
  let screen = "photo";
  let stopWatching = null;
  let warned = false;
  let still = hold.initial({ armed: true });
  let idling = idle.initial;
  let firstLanguage = null;

  document.documentElement.dataset.kiosk = finder;
  keepNothing();
  stopWorker();
  loadStyleSheet("booth/kiosk/kiosk.css");
  const attract = makeAttract({ begin: press });
  const home = makeTakeHome({ taken: () => say(words.say("kiosk.home.taken")) });
  const warning = Object.assign(document.createElement("p"), { id: "idle-warning", hidden: true });
  warning.setAttribute("aria-hidden", "true");
  document.body.append(warning);
  byId("finish").className = "big";
  byId("finish").dataset.words = "kiosk.next";
  makeWakeLock()(true);

  // The one button of the present screen.
  function press() {
    if (screen === "photo") begin(finder);
    else if (screen === "camera" || screen === "live") byId("shutter").click();
  }

  function facesSeen(faces) {
    const now = performance.now();
    still = hold.step(still, faces, now);
    if (faces.length > 0) attract.offerHold();
    const share = hold.progress(still, now);
    attract.hold(share);
    byId("shutter").style.setProperty("--hold", String(share));
    if (still.pressed) press();
  }

  function enter(name, before) {
    screen = name;
    idling = idle.step(idling, { type: "screen", name }, Date.now());
    warn();
    // Who has just been here must first leave before a face begins again.
    still = hold.initial({ armed: name !== "photo" });
    byId("shutter").style.setProperty("--hold", "0");
    attract.hold(0);
    if (name !== "photo") {
      stopWatching?.();
      stopWatching = null;
    } else {
      stopWatching ??= watchFaces(facesSeen);
      if (before !== "photo") leaveNothing();
    }
  }

  function leaveNothing() {
    const select = byId("language");
    if (firstLanguage && select.value !== firstLanguage) {
      select.value = firstLanguage;
      select.dispatchEvent(new Event("change"));
    }
    // The page is drawn after this.
    queueMicrotask(attract.focus);
  }

  function warn() {
    const left = idle.leftMs(idling, Date.now());
    if (left === 0) return next();
    const count = Math.ceil(left / 1000);
    const isNear = left <= idle.WARNING_MS;
    warning.hidden = !isNear || !words;
    if (isNear && words) warning.textContent = words.say("kiosk.idle", { count });
    if (isNear && words && !warned) say(words.say("kiosk.idle", { count }));
    warned = isNear;
    return undefined;
  }

  setInterval(warn, TICK_MS);
  for (const name of ["pointerdown", "pointermove", "keydown", "input", "wheel"]) {
    addEventListener(
      name,
      () => {
        idling = idle.step(idling, { type: "touched" }, Date.now());
        warn();
      },
      { passive: true },
    );
  }
  addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && ["camera", "live"].includes(screen)) return void back();
    if (NO_PRESS.includes(event.key) || event.target.closest?.("button, select, input, a, dialog")) return;
    if (!["photo", "camera", "live"].includes(screen)) return;
    event.preventDefault();
    press();
  });
  // Menus that save pictures, and pictures that are dragged away.
  for (const name of ["contextmenu", "dragstart"]) addEventListener(name, (event) => event.preventDefault());
  stopWatching = watchFaces(facesSeen);

  return {
    facesSeen,
    // Called when the state's name has changed.
    screen: (name) => enter(name, screen),
    show(state) {
      if (!words) return;
      attract.show(state.name === "photo", state.note);
      // Resets what the visitor before chose to take.
      if (state.name === "photo") document.querySelector("#takes input").checked = true;
      home.show(state);
    },
    reworded(changed) {
      firstLanguage ??= changed.language;
      words = changed;
      translate(byId("screen-done"), words.say);
      attract.reworded(words);
      home.reworded(words);
    },
  };
}

// Of ?kiosk: the station's live picture, or with ?kiosk=camera this device's camera.
function byFinder(asked) {
  return asked === "camera" && isAvailable() ? "camera" : "live";
}
