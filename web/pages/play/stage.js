// The stage: the running round, or the result of the last one.

import { make } from "../admin/make.js";
import { byId, setText } from "../app/page.js";
import { liveOf, resultOf } from "./view_model.js";

const FLASH_MS = 700; // longer than the animation of play.css
const STILL_FLASH_MS = 1500; // a still border, where motion is reduced

export function makeStage() {
  const stage = byId("stage");
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");
  let flashTimer = 0;

  function show(screen) {
    if (document.documentElement.dataset.screen === screen) return;
    document.documentElement.dataset.screen = screen;
    for (const name of ["idle", "live", "result"]) byId(name).hidden = name !== screen;
  }

  function lines(element, texts) {
    if (element.childElementCount === texts.length && texts.every((text, at) => element.children[at].textContent === text)) return;
    element.replaceChildren(...texts.map((textContent) => make("p", { textContent })));
  }

  return {
    show,
    drawLive(state, words) {
      const { title, line, word, letters, parts, tone, score, sides, rows } = liveOf(state, words);
      stage.dataset.tone = tone;
      setText(byId("live-title"), title);
      setText(byId("line"), line);
      byId("line").classList.toggle("large", word === "");
      setText(byId("word"), word);
      byId("word").style.setProperty("--letters", letters);
      byId("word").style.setProperty("--parts", parts);
      byId("score-place").style.visibility = score === null ? "hidden" : "visible";
      setText(byId("score"), score ?? "0");
      byId("sides").hidden = sides === null;
      (sides ?? []).forEach((side, at) => drawSide(byId("sides").children[at], side));
      lines(byId("rows"), rows);
    },
    drawResult(state, words) {
      const { title, headline, score, unit, nickname, place, isRecord, rows } = resultOf(state, words);
      stage.dataset.tone = "result";
      setText(byId("result-title"), title);
      setText(byId("headline"), headline);
      byId("result-score").hidden = score === null;
      setText(byId("result-points"), score ?? "");
      setText(byId("result-unit"), unit);
      byId("who").hidden = nickname === null && place === null;
      setText(byId("nickname"), nickname ?? "");
      setText(byId("place"), place ?? "");
      byId("record").hidden = !isRecord;
      setText(byId("record"), isRecord ? words.say("play.record") : "");
      lines(byId("result-rows"), rows);
    },
    drawIdle(invitation, how) {
      stage.dataset.tone = "idle";
      setText(byId("invitation"), invitation);
      setText(byId("how"), how);
    },
    // `kind`: good, bad or photo. `gained`: points that are shown for a moment.
    flash(kind, gained) {
      clearTimeout(flashTimer);
      delete stage.dataset.flash;
      void stage.offsetWidth; // restarts the animation
      stage.dataset.flash = kind;
      setText(byId("gained"), gained > 0 ? `+${gained}` : "");
      flashTimer = setTimeout(() => delete stage.dataset.flash, isStill.matches ? STILL_FLASH_MS : FLASH_MS);
    },
  };
}

function drawSide(element, { answer, letters, count, isChosen, spoken }) {
  const [name, number, said] = element.children;
  name.style.setProperty("--letters", letters);
  setText(name, answer);
  setText(number, count);
  setText(said, spoken);
  element.classList.toggle("chosen", isChosen);
}
