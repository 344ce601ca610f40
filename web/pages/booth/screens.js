// Puts the state of visit.js on the page.

import { radioCards } from "./cards.js";
import { consentWords, troubleWords, workWords } from "./words.js";

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
const byId = (id) => document.getElementById(id);

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
    if (screen === "work") showWork(workWords(state, performance.now()), words);
    byId("cancel").classList.toggle("absent", state.name === "fetching");
    if (screen === "done") result.show(state.job, words);
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
    byId("agree").checked = state.share;
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

// Touching the text only when it changes keeps screen readers from saying it again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
