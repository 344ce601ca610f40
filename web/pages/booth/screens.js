// Shows the state of visit.js on the page, and what can be done with a finished picture.

import { byId, setText } from "../app/page.js";
import { isMixed, radioCards } from "./cards.js";
import { altWords, makeKeepsake } from "./keepsake.js";
import { makePrint } from "./print.js";
import { consentWords, makingWords, sharingWords, troubleWords, workWords } from "./words.js";

const SCREENS = {
  photo: "photo",
  camera: "camera",
  live: "camera",
  style: "style",
  sending: "work",
  waiting: "work",
  fetching: "work",
  done: "done",
  trouble: "trouble",
};

export function makeScreens({ stage, result, chosen }) {
  let shown = null; // which screen
  let drawn = null; // which cards

  function show(state, { words, offer }) {
    const screen = SCREENS[state.name];
    document.documentElement.dataset.screen = screen;
    document.documentElement.dataset.visit = state.name;
    for (const name of Object.values(SCREENS)) byId(`screen-${name}`).hidden = name !== screen;
    stage.show(state);
    note(screen, state.note, words);
    if (screen === "camera") showCamera(state.name === "live", words);
    if (screen === "style") showStyles(state, words, offer);
    if (screen === "work") showWork(workWords(state, performance.now(), makingWords(state, offer, words)), words);
    byId("cancel").classList.toggle("absent", state.name === "fetching");
    if (screen === "done") result.show(state.job, words, offer);
    else result.leave();
    if (screen === "trouble") showTrouble(troubleWords(state.trouble), words);
    if (shown !== null && shown !== screen) byId(`heading-${screen}`).focus({ preventScroll: true });
    shown = screen;
  }

  function showCamera(isLive, words) {
    setText(byId("heading-camera"), words.say(isLive ? "camera.live" : "camera.heading"));
    byId("turn-camera").hidden = isLive;
  }

  function showStyles(state, words, offer) {
    const styles = offer?.styles ?? [];
    const now = JSON.stringify([styles, words.language]);
    if (now !== drawn) {
      drawn = now;
      radioCards(byId("styles"), { styles, selected: state.style, words, chosen });
    }
    // The cards of the visitor before are drawn with another choice.
    for (const radio of byId("styles").querySelectorAll("input")) radio.checked = radio.value === state.style;
    byId("made-here").hidden = styles.length === 0 || styles[0].made_by !== "laptop" || isMixed(styles);
    byId("agree").checked = state.share;
    const isPaused = offer?.gallery !== false && offer?.sharing_paused === true;
    byId("agree-line").hidden = isPaused || offer?.gallery === false;
    byId("agree-paused").hidden = !isPaused;
    const found = styles.find((style) => style.id === state.style);
    byId("make").disabled = !found || state.photo !== "file";
    const none = offer !== undefined && styles.length === 0;
    byId("no-styles").hidden = !none;
    if (none) setText(byId("no-styles"), words.say(offer ? "style.none" : "style.unreachable"));
    const consent = consentWords(found?.made_by, offer?.keep_s, offer?.comfyui_erases);
    setText(byId("consent"), consent.map((line) => words.say(...line)).join(" "));
  }

  return { show };
}

function note(screen, name, words) {
  const line = byId(`note-${screen}`);
  if (!line) return;
  line.hidden = !name;
  if (name) setText(line, words.say(`note.${name}`));
}

function showWork({ title, detail, share, own }, words) {
  const said = title ? words.say(...title) : "";
  setText(byId("heading-work"), said);
  setText(byId("work-detail"), detail ? words.say(...detail) : "\u00a0");
  byId("work-own").hidden = !own;
  setText(byId("work-own"), own);
  const bar = byId("progress");
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}

function showTrouble({ title, detail, own, again }, words) {
  setText(byId("heading-trouble"), words.say(...title));
  setText(byId("trouble-detail"), words.say(...detail));
  setText(byId("trouble-own"), own);
  byId("try-again").hidden = !again;
  byId("trouble-picture").classList.toggle("big", !again);
}

// Saving, sharing, showing in the gallery and deleting the result.
export function makeResult({ dispatch, say }) {
  let made = null; // {blob, address} of the result, in this page
  let file = null; // for Web Share, which must be called without waiting
  let drawn = null; // the result's address at the station

  // navigator.canShare exists only on HTTPS.
  function offerShare(blob, name) {
    file = navigator.canShare && blob ? new File([blob], name, { type: blob.type }) : null;
    byId("hand-on").hidden = !file || !navigator.canShare({ files: [file] });
  }

  const print = makePrint();
  const keepsake = makeKeepsake({
    ready({ blob, address, name }) {
      byId("save").href = address;
      byId("save").download = name;
      offerShare(blob, name);
    },
  });

  byId("hand-on").addEventListener("click", () => {
    // A rejection means that the visitor cancelled it.
    navigator.share({ files: [file] }).catch(() => {});
  });
  for (const id of ["shown", "carriers"]) byId(id).addEventListener("change", () => dispatch({ type: "show" }));
  byId("remove").addEventListener("click", () => ask(true));
  byId("keep").addEventListener("click", () => ask(false));
  byId("really").addEventListener("click", () => dispatch({ type: "remove" }));
  byId("sure").addEventListener("keydown", (event) => event.key === "Escape" && ask(false));

  function ask(yes) {
    byId("sure").hidden = !yes;
    byId("remove").hidden = yes;
    byId(yes ? "keep" : "remove").focus();
    if (yes) say(byId("sure-words").textContent);
  }

  return {
    // The downloaded blob is shown, saved and shared, so that it is downloaded once.
    made(blob, address) {
      made = { blob, address };
      drawn = null;
    },
    show(job, words, offer) {
      byId("shown").checked = job.share;
      const isClosed = offer?.gallery === false || offer?.sharing_paused === true;
      byId("shown-line").hidden = isClosed && !job.share;
      byId("carriers").checked = job.is_on_carriers;
      byId("carriers-line").hidden = !job.share || !(offer?.carriers || job.is_on_carriers);
      const withheld = sharingWords(job, offer);
      byId("withheld").hidden = !withheld;
      setText(byId("withheld"), withheld ? words.say(withheld) : "");
      byId("until").textContent = until(job, words);
      const isShown = job.share && job.gallery && offer?.gallery !== false;
      byId("in-gallery").hidden = !isShown;
      if (isShown) byId("in-gallery").href = `gallery#${job.gallery}`;
      const alt = altWords(job, offer?.styles ?? [], words);
      byId("stylised").alt = alt;
      keepsake.describe(alt);
      print.show(job, words);
      if (job.result === drawn) return;
      drawn = job.result;
      byId("sure").hidden = true;
      byId("remove").hidden = false;
      keepsake.begin(job, made);
    },
    leave() {
      if (drawn) {
        keepsake.leave();
        print.leave();
      }
      drawn = null;
      made = file = null;
      byId("save").removeAttribute("href");
    },
  };
}

function until(job, words) {
  if (!job.expires_at_unix_ms) return "";
  const form = { weekday: "long", hour: "numeric", minute: "2-digit" };
  const time = new Date(job.expires_at_unix_ms).toLocaleString(words.language, form);
  return words.say("done.until", { time });
}
