// The games to start and the leaderboards. Each is drawn only when it differs from what stands there.

import { make } from "../admin/make.js";
import { byId, setText } from "../app/page.js";
import { gameIcon } from "./icons.js";

// `start(game)` is called by a tap on a game that can be started.
export function makeStarts({ start }) {
  const cards = new Map(); // by game: {button, title, detail}
  let names = "";

  function makeCard(game) {
    const title = make("b");
    const detail = make("span");
    const button = make("button", { type: "button", className: "game" }, gameIcon(game), title, detail);
    button.dataset.game = game;
    button.addEventListener("click", () => button.getAttribute("aria-disabled") !== "true" && start(game));
    return { button, title, detail };
  }

  // `starting`: the game that is being started; `refused`: {game, text} of the last one that was not.
  return {
    show({ canStart, games }, { starting, refused, words }) {
      byId("starts").hidden = games.length === 0;
      byId("starts-closed").hidden = canStart;
      const next = JSON.stringify(games.map(({ game }) => game));
      if (next !== names) {
        names = next;
        cards.clear();
        for (const { game } of games) cards.set(game, makeCard(game));
        byId("starts-list").replaceChildren(...[...cards.values()].map(({ button }) => make("li", {}, button)));
      }
      for (const { game, title, rules, refusal } of games) {
        const card = cards.get(game);
        const own = refused?.game === game ? refused.text : "";
        const against = starting === game ? words.say("games.starting") : own || (canStart ? refusal : "");
        setText(card.title, title);
        setText(card.detail, against || rules);
        card.button.classList.toggle("refused", against !== "" && starting !== game);
        card.button.setAttribute("aria-disabled", String(!canStart || starting !== null || refusal !== ""));
      }
    },
  };
}

let drawn = "";

export function drawLeaderboard(boards, words) {
  const next = JSON.stringify([boards, words.language]);
  if (next === drawn) return;
  drawn = next;
  byId("best-none").hidden = boards.length > 0;
  byId("best-list").replaceChildren(...boards.map(makeBoard));
}

function makeBoard({ title, entries }) {
  const line = ({ nickname, score }) => make("li", {}, make("span", { textContent: nickname }), make("b", { textContent: score }));
  return make("section", {}, make("h3", { textContent: title }), make("ol", {}, ...entries.map(line)));
}
