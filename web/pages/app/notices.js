// The texts of the live page's state: the badge, the middle, the notices, and what is spoken.

import { byId, setText, withCode } from "./page.js";
import { lowWords } from "./power_words.js";

const CHANGE_MS = 10000; // how long a change of the source is shown

// {tone, short, long}: `short` stands in the badge, `long` in the middle or in a notice ("" for none). Tones:
// good, busy, bad.
export function connectionWords(say, state, status = null) {
  const words = (tone, short, long = "") => ({ tone, short: say(`live.state.${short}`), long });
  switch (state.name) {
    case "live":
      // What the connection shows is the "no signal" card.
      if (status?.source?.state === "lost") return words("bad", "lost");
      if (status?.source?.state === "closed") return words("busy", "closed");
      return words("good", "live");
    case "connecting":
      if (state.refused) return words("busy", "waiting", say(`live.refused.${state.refused}`));
      return words("busy", "connecting");
    case "fallback":
      return words("busy", "simple", say(fallbackKey(state)));
    case "asleep":
      return words("busy", "asleep", say("live.asleep"));
    default:
      return words("bad", "reconnecting", say(lostKey(state)));
  }
}

function fallbackKey(state) {
  if (!state.webrtc) return "live.simple.unable";
  return state.refused === 503 ? "live.simple.full" : "live.simple.blocked";
}

function lostKey(state) {
  if (state.restartingSince !== null) return "live.restarting";
  if (state.refused) return `live.refused.${state.refused}`;
  // Without a picture so far no connection was lost.
  return state.pictureAt === null ? "live.silent" : "live.cut";
}

// The station's own problems, most urgent first: [{tone, text}]. Its sentences, which name devices and
// commands, are English: in another language a sentence of that language stands before them.
export function stationWords(say, status) {
  if (!status) return [];
  const { source = {}, detector = {} } = status;
  const low = lowWords(say, status.power);
  const battery = low && { tone: "bad", text: low };
  return [sourceWords(say, source), battery, detectorWords(say, detector), noteWords(say, source)].filter(Boolean);
}

function sourceWords(say, source) {
  if (source.state === "lost") {
    const { reason } = source;
    const text = reason ? say("live.source.because", { reason }) : say("live.source.lost");
    return { tone: "bad", text: sentence(text) };
  }
  if (source.state === "closed") return { tone: "busy", text: say("live.source.closed") };
  if (source.state === "opening") return { tone: "busy", text: say("live.source.opening") };
  return null;
}

function detectorWords(say, detector) {
  const { state } = detector;
  if (state === "warming") return { tone: "busy", text: say("live.model.warming") };
  if (state !== "missing" && state !== "failed") return null;
  return { tone: state === "failed" ? "bad" : "busy", text: modelWords(say, detector) };
}

function modelWords(say, { state, message, fix }) {
  const plain = isForVisitors(message) ? message.replace(/[.:\s]+$/, "") : null;
  const problem = plain ? say(`live.model.because.${state}`, { message: plain }) : say(`live.model.${state}`);
  const isNew = isForVisitors(fix) && !problem.includes(fix);
  return isNew ? say("live.model.fix", { trouble: problem, command: fix }) : sentence(problem);
}

const MESSAGE_MAX = 100; // characters

// Texts with paths and long texts are for the owner, who finds them in the log and in `carrier doctor`.
function isForVisitors(text) {
  return Boolean(text) && text.length <= MESSAGE_MAX && !/[\\/]/.test(text);
}

// Announces that another camera became the source, or that the station's own is back; null for anything else.
export function changeWords(say, before, after) {
  if (before?.state !== "live" || after?.state !== "live") return null;
  if (!after.published) return before.published ? say("live.house") : null;
  if (before.published && before.description === after.description) return null;
  return say("live.guest", { source: after.description });
}

function noteWords(say, { note }) {
  return note ? { tone: "busy", text: sentence(say("live.note", { note })) } : null;
}

function sentence(text) {
  const plain = text.trim();
  return /[.!?…)]$/.test(plain) ? plain : `${plain}.`;
}

export function makeNotices({ edges, say }) {
  let connection = null;
  let status = null;
  let shown = "";
  let change = null; // {before, after}: sources
  let timer = 0;

  // `reworded`: the same in another language, which is not announced.
  function draw(reworded = false) {
    const words = connectionWords(say, connection, status);
    const root = document.documentElement;
    root.dataset.state = connection.name;
    root.dataset.tone = words.tone;
    // What an unreachable station said is outdated.
    const station = connection.name === "reconnecting" ? [] : stationWords(say, status);
    const inMiddle = connection.name !== "live" && connection.name !== "fallback";
    const changed = change && changeWords(say, change.before, change.after);
    if (changed) station.unshift({ tone: "busy", text: changed });
    const own = words.long && !inMiddle ? [{ tone: words.tone, text: words.long }] : [];
    const notices = [...own, ...station];

    const name = status?.name ?? "carrier";
    setText(byId("name"), name);
    setText(byId("state"), words.short);
    const mode = status?.privacy?.mode;
    byId("privacy").hidden = !mode;
    if (mode) setText(byId("privacy"), `${say(`live.privacy.${mode}`)} · ${say("live.unrecorded")}`);
    setText(byId("centre-words"), words.long || words.short);
    document.title = connection.name === "live" ? name : `${words.short} · ${name}`;

    const said = JSON.stringify([words, notices]);
    if (said === shown) return;
    shown = said;
    drawNotices(notices);
    if (reworded) return speak("");
    edges.hold(inMiddle);
    if (notices.length > 0) edges.showLonger();
    const lines = [words.long || words.short, ...station.map((line) => line.text)];
    speak(lines.join(" ").replaceAll("`", ""));
  }

  function announce(next) {
    change = next;
    clearTimeout(timer);
    timer = setTimeout(() => {
      change = null;
      draw(true);
    }, CHANGE_MS);
  }

  return {
    connection(state) {
      connection = state;
      draw();
    },
    status(next) {
      if (changeWords(say, status?.source, next.source)) announce({ before: status.source, after: next.source });
      status = next;
      if (connection) draw();
    },
    reworded: () => connection && draw(true),
  };
}

export function speak(text) {
  setText(byId("spoken"), text);
}

function drawNotices(notices) {
  byId("notices").replaceChildren(
    ...notices.map(({ tone, text }) => {
      const line = document.createElement("p");
      line.className = tone === "bad" ? "notice bad" : "notice edge";
      const words = document.createElement("span");
      words.append(...withCode(text));
      line.append(words);
      return line;
    }),
  );
}
