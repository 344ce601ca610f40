// The games: what runs, the leaderboard of the day, and the buttons that start, skip and stop.

import { byId, setText } from "../app/page.js";
import { sayText } from "../play/game_text.js";
import { leaderboardOf, liveOf, screenOf, startsOf, titleOf } from "../play/view_model.js";
import { ask } from "./api.js";
import { make } from "./make.js";
import { failureWords } from "./words.js";

const PATH = "api/play";

// `named(names)` gets {game: title}. `tell`, `answered` and `soon` as in prints.js.
export function makeGames({ words, tell, answered, named, soon }) {
  let state = null;
  let isOffered = false; // until the station's status is known
  let isOff = false; // the station has no games
  let drawn = "";

  function draw() {
    byId("games").hidden = state === null;
    if (!state) return;
    const { view } = state;
    const isLive = screenOf(state) === "live";
    setText(byId("games-state"), isLive ? titleOf(state, view.game, words()) : "");
    setText(byId("games-round"), isLive ? roundWords() : words().say("control.games.none"));
    byId("games-now").hidden = !isLive;
    const { games } = startsOf({ ...state, view: null, visitors_may_start: true }, words(), 0);
    const boards = leaderboardOf(state, words());
    const now = JSON.stringify([games, boards, words().language]);
    if (now === drawn) return;
    drawn = now;
    named(Object.fromEntries(games.map(({ game, title }) => [game, title])));
    byId("games-list").replaceChildren(...games.map(makeGame));
    const line = (title) => ({ nickname, score }) => make("li", { textContent: `${title}: ${nickname}, ${score}` });
    byId("games-best").replaceChildren(...boards.flatMap(({ title, entries }) => entries.map(line(title))));
    byId("games-none").hidden = boards.length > 0;
  }

  function roundWords() {
    const { title, line, word, score, rows } = liveOf(state, words());
    const round = words().say("control.games.running", { round: String(state.view.round), game: title || word });
    const target = [line, title && word].filter(Boolean).join(" ");
    return [round, target, score && `${words().say("games.score")} ${score}`, ...rows].filter(Boolean).join(" · ");
  }

  // The station's refusal is shown, and may be tried: the owner's round takes the place of another.
  function makeGame({ game, title, refusal }) {
    const { say } = words();
    const button = make("button", { type: "button", className: "strong", textContent: say("control.games.start") });
    button.setAttribute("aria-label", say("control.games.start.game", { game: title }));
    button.addEventListener("click", () => change("POST", `${PATH}/rounds`, { game }));
    const item = make("li", {}, make("b", { textContent: title }), button);
    if (refusal) item.append(make("p", { className: "small", textContent: refusal }));
    return item;
  }

  async function change(method, path, body) {
    const answer = await ask(method, path, { body });
    // 404: the round is over meanwhile.
    if (answer.status >= 300 && answer.status !== 404) tell(answer.data?.text ? sayText(words(), answer.data.text) : failureWords(words(), answer));
    answered(answer);
    soon();
  }

  const ofRound = (method, rest) => () => state?.view && change(method, `${PATH}/rounds/${state.view.round}${rest}`);
  byId("games-skip").addEventListener("click", ofRound("POST", "/skip"));
  byId("games-stop").addEventListener("click", ofRound("DELETE", ""));

  return {
    draw,
    // Once while it is closed, for what is in its title.
    isWanted: () => isOffered && (state === null || byId("games").open),
    // `status` of /api/status.
    offer({ play }) {
      isOffered = play !== false && !isOff;
    },
    async load() {
      const answer = await ask("GET", PATH);
      isOff = answer.status === 404;
      if (isOff) isOffered = false;
      if (answer.status === 200) {
        state = answer.data;
        draw();
      }
      return answer;
    },
    forget() {
      state = null;
      isOffered = isOff = false;
      drawn = "";
      draw();
    },
  };
}
