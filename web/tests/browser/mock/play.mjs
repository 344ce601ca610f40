// The mock's games: a test sets what is shown, and what goes wrong. The contract is that of the station.

import { randomUUID } from "node:crypto";

const KINDS = ["object-hunt", "left-or-right", "red-light", "how-many", "group-photo"];
const KEEP_MS = 24 * 3600e3;

export const key = (name, values) => (values ? { key: name, values } : { key: name });
export const nickname = (adjective, animal) =>
  key("play.nickname", { adjective: key(`play.nickname.adjective.${adjective}`), animal: key(`play.nickname.animal.${animal}`) });

// `strip()` gives a JPEG, `handover(strip)` the answer of a new handover.
export function makePlay({ strip, handover }) {
  const play = { followers: new Set() };
  play.reset = () => {
    for (const response of play.followers) response.end();
    Object.assign(play, fresh(), { followers: new Set() });
  };
  play.reset();

  play.state = () => {
    const { visitors_may_start, games, view, result, leaderboard } = play;
    return { now_ms: Date.now(), visitors_may_start, games, view, result, leaderboard };
  };
  // What changes, for all followers.
  play.set = (change) => {
    Object.assign(play, change);
    for (const response of play.followers) tell(response);
  };
  play.refuseAll = (text) => play.games.map((game) => ({ ...game, refusal: text }));
  play.viewOf = (game, more = {}) => ({
    game,
    round: play.round,
    line: key(`play.${game}`),
    big_word: null,
    countdown: null,
    score: null,
    flash: null,
    sides: null,
    rows: [],
    ...more,
  });
  play.hunt = (slug, more = {}) =>
    play.viewOf("object-hunt", {
      line: key(`play.target.${slug}.show`),
      big_word: key(`play.target.${slug}`),
      countdown: play.clock(17_000, 20_000),
      score: 0,
      ...more,
    });
  play.clock = (leftMs, total_ms) => ({ ends_at_ms: Date.now() + leftMs, total_ms });
  // The running round is over.
  play.finish = (more = {}) =>
    play.set({
      view: null,
      games: play.refuseAll(null),
      result: {
        round: play.round,
        game: "object-hunt",
        headline: key("play.object-hunt.over", { count: 6 }),
        score: 1240,
        rows: [key("play.record"), key("play.place", { place: 1, name: nickname("brave", "otter") })],
        nickname: nickname("brave", "otter"),
        place: 1,
        is_record: true,
        strip: { expires_at_ms: Date.now() + KEEP_MS },
        ...more,
      },
      leaderboard: board(),
    });
  // Connections to followers break.
  play.cut = () => {
    for (const response of play.followers) response.socket?.destroy();
  };

  function tell(response) {
    response.write(`event: state\ndata: ${JSON.stringify(play.state())}\n\n`);
  }

  function follow(response) {
    if (play.isFull) return response.writeHead(503, { "Retry-After": "5" }).end();
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    play.followers.add(response);
    response.on("close", () => play.followers.delete(response));
    return tell(response);
  }

  async function start(request, response) {
    const { game } = JSON.parse(await bytes(request));
    play.started.push(game);
    const refusal = play.refuse.shift();
    if (refusal) return send(response, refusal.status, { error: "refused", text: refusal.text });
    play.round += 1;
    play.key = randomUUID();
    send(response, 201, { round: play.round, key: play.key });
    const view = play.viewOf(game, { rows: [key(`play.${game}.rules`)], countdown: play.clock(4000, 4000) });
    return play.set({ view, result: null, games: play.refuseAll(key("play.start.round-running")) });
  }

  function ofRound(request, response, round, rest) {
    const isOwner = /carrier_admin=1/.test(request.headers.cookie ?? "");
    const mayChange = isOwner || (play.key !== null && request.headers["x-round-key"] === play.key);
    play.asked.push(`${request.method} ${rest ?? ""}`.trim());
    if (Number(round) !== play.round) return send(response, 404, { error: "no such round" });
    if (!mayChange) return send(response, 403, { error: "another visitor's round" });
    if (request.method === "DELETE") {
      play.set({ view: null, games: play.refuseAll(null) });
      return response.writeHead(204).end();
    }
    if (rest === "skip") return response.writeHead(204).end();
    if (rest === "handover") return handover(response);
    if (play.stripFails > 0) {
      play.stripFails -= 1;
      return response.writeHead(503).end();
    }
    return strip().then((jpeg) => response.setHeader("Content-Type", "image/jpeg").end(jpeg));
  }

  // Gives whether the request was for the games.
  play.serve = async (request, response, path) => {
    const [, round, rest] = path.match(/^\/api\/play\/rounds\/(\d+)(?:\/(skip|handover|strip\.jpg))?$/) ?? [];
    if (!path.startsWith("/api/play")) return false;
    play.requests.push(`${request.method} ${path}`);
    if (!play.isOn) send(response, 404, { error: "[play] is not enabled" });
    else if (round) await ofRound(request, response, round, rest);
    else if (path === "/api/play") send(response, 200, play.state());
    else if (path === "/api/play/events") follow(response);
    else if (path === "/api/play/rounds" && request.method === "POST") await start(request, response);
    else return false;
    return true;
  };
  return play;
}

function fresh() {
  return {
    isOn: true,
    isFull: false, // nobody else may follow
    visitors_may_start: true,
    games: KINDS.map((game) => ({ game, title: key(`play.${game}`), rules: key(`play.${game}.rules`), refusal: null })),
    view: null,
    result: null,
    leaderboard: [],
    round: 2,
    key: null,
    refuse: [], // {status, text}: answers to the next starts
    stripFails: 0, // so many requests for the strip fail
    started: [], // games that were asked for
    asked: [], // of a round
    requests: [],
  };
}

export function board() {
  const entry = ([adjective, animal], score) => ({ nickname: nickname(adjective, animal), score });
  return [
    { game: "how-many", entries: [entry(["happy", "octopus"], 14), entry(["kind", "bear"], 9)] },
    { game: "object-hunt", entries: [entry(["brave", "otter"], 1240), entry(["quick", "hare"], 1130), entry(["smiling", "woodpecker"], 870), entry(["noble", "lynx"], 420)] },
  ];
}

function send(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(JSON.stringify(body));
}

async function bytes(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
