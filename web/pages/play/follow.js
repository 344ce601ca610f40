// Follows the games: events go into following.js, and its actions are done here.

import { ask } from "../admin/api.js";
import { initial, step } from "./following.js";

const TICK_MS = 500;
const PATH = "api/play";

// `took(state)` gets each state of the games, `linked(link)` how the station is reached.
export function follow({ took, linked }) {
  let state = initial();
  let stream = null;
  let heard = null; // the stream's last state, to be compared

  function dispatch(event) {
    const { link } = state;
    const next = step(state, event, performance.now());
    state = next.state;
    for (const action of next.actions) ACTIONS[action]();
    if (state.link !== link) linked(state.link);
  }

  const ACTIONS = {
    open() {
      stream?.close();
      const mine = new EventSource(`${PATH}/events`);
      stream = mine;
      mine.addEventListener("state", ({ data }) => {
        if (stream !== mine) return;
        const games = JSON.parse(data);
        heard = told(games);
        took(games);
        dispatch({ type: "heard" });
      });
      // The browser's own attempts to connect again know no back-off.
      mine.addEventListener("error", () => stream === mine && dispatch({ type: "stream_failed" }));
    },
    close() {
      stream?.close();
      stream = null;
    },
    async ask() {
      const answer = await ask("GET", PATH);
      const isState = answer.status === 200 && Array.isArray(answer.data?.games);
      // Some networks answer with a page of their own.
      const status = answer.status === 200 && !isState ? 0 : answer.status;
      const isNews = isState && told(answer.data) !== heard;
      if (isState) took(answer.data);
      dispatch({ type: "polled", status, retryAfterMs: answer.retryAfterMs, isNews });
    },
  };

  setInterval(() => dispatch({ type: "tick" }), TICK_MS);
  addEventListener("online", () => dispatch({ type: "online" }));
  const look = () => dispatch({ type: document.hidden ? "hidden" : "visible" });
  document.addEventListener("visibilitychange", look);
  dispatch({ type: "start" });
  if (document.hidden) look();
}

// The part of a state that says what happens; times of the station and waits change by themselves.
function told({ view, result, leaderboard }) {
  return JSON.stringify([view, result, leaderboard]);
}
