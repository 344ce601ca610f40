// Puts the words of words.js on the page: the badge, the words in the middle, the notices.

import { changeWords, connectionWords, pieces, stationWords } from "./words.js";

const CHANGE_MS = 10000; // how long a change of the source is told
const byId = (id) => document.getElementById(id);

export function makeSigns({ edges, say }) {
  let connection = null;
  let status = null;
  let shown = "";
  let change = null; // {before, after}: of the source
  let timer = 0;

  // `reworded`: it says what it said before, in another language. That is no news.
  function draw(reworded = false) {
    const words = connectionWords(say, connection, status);
    const root = document.documentElement;
    root.dataset.state = connection.name;
    root.dataset.tone = words.tone;
    // Words about a station that cannot be reached are stale.
    const station = connection.name === "reconnecting" ? [] : stationWords(say, status);
    const inMiddle = connection.name !== "live" && connection.name !== "fallback";
    const changed = change && changeWords(say, change.before, change.after);
    if (changed) station.unshift({ tone: "busy", text: changed });
    const notices = [...station];
    if (words.long && !inMiddle) notices.unshift({ tone: words.tone, text: words.long });

    const name = status?.name ?? "carrier";
    setText(byId("name"), name);
    setText(byId("state"), words.short);
    setText(byId("centre-words"), words.long || words.short);
    document.title = connection.name === "live" ? name : `${words.short} · ${name}`;

    const said = JSON.stringify([words, notices]);
    if (said === shown) return;
    shown = said;
    drawNotices(notices);
    if (reworded) return speak("");
    edges.hold(inMiddle);
    if (notices.length > 0) edges.news();
    const lines = [words.long || words.short, ...station.map((line) => line.text)];
    speak(lines.join(" ").replaceAll("`", ""));
  }

  function tell(what) {
    change = what;
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
      if (changeWords(say, status?.source, next.source)) tell({ before: status.source, after: next.source });
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
      words.append(
        ...pieces(text).map((piece) => {
          if (!piece.code) return piece.text;
          const code = document.createElement("code");
          code.textContent = piece.text;
          return code;
        }),
      );
      line.append(words);
      return line;
    }),
  );
}

// Touching the text only when it changes keeps screen readers from saying it again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
