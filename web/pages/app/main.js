// Wires the parts: events go into connection.js, what it asks for is done here.

import { initialOffset, withSample } from "./clock_offset.js";
import { initial, step } from "./connection.js";
import { makeControls } from "./controls.js";
import { contained, makeEdges } from "./edges.js";
import { makeFallback } from "./fallback.js";
import { makeLiveWords } from "./live_words.js";
import { openPlayer } from "./player.js";
import { makeQuality } from "./quality.js";
import { makeSigns, speak } from "./signs.js";
import { makeStage } from "./stage.js";
import { makeStatistics } from "./statistics.js";
import { look } from "./stats.js";
import { makeStatus } from "./status.js";

const TICK_MS = 250;
const LISTEN_AFTER_MS = 300; // without a picture; sooner would be work that nobody needs
const byId = (id) => document.getElementById(id);

let state = initial();
let player = null;
let offset = initialOffset();
let heard = { peer: null, bytes: 0 };

const edges = makeEdges(document.documentElement, shownPicture);
const words = makeLiveWords({
  select: byId("language"),
  changed() {
    for (const part of [signs, statistics, quality, controls]) part.reworded();
  },
});
const { say } = words;
const signs = makeSigns({ edges, say });
// Set by the station when it has STUN or TURN servers, so that else nobody has to ask.
const asksForServers = "iceServers" in document.documentElement.dataset;
// On the station itself both clocks are one.
const onStation = /^(localhost|127\.|\[::1\])/.test(location.host);
const stationAhead = () => offset.offsetMs ?? (onStation ? 0 : null);
const quality = makeQuality({ select: byId("quality"), choose: (name) => player?.choose(name), say });
const statistics = makeStatistics(
  byId("statistics"),
  { player: () => player, stationAhead, quality, words },
  words.offer,
);
const fallback = makeFallback(byId("simple"), () => dispatch({ type: "simple_failed" }));
const stage = makeStage(byId("video"), byId("last"), pictureSeen);
const status = makeStatus({
  tell: dispatch,
  show(next) {
    signs.status(next);
    statistics.status(next);
    quality.status(next);
    // The owner may have no photo booth.
    byId("button-stylise").hidden = next.stylise === null;
  },
  clock(askedAt, answeredAt, stationMs) {
    offset = withSample(offset, askedAt, answeredAt, stationMs);
  },
});

function dispatch(event) {
  const before = state;
  const next = step(state, event, performance.now());
  state = next.state;
  for (const action of next.actions) ACTIONS[action]();
  if (state.name !== before.name || state.refused !== before.refused) showState();
}

const ACTIONS = {
  open() {
    stage.hold();
    player?.close();
    player = openPlayer({ endpoint: quality.endpoint, asksForServers, tell: fromPlayer });
  },
  close() {
    stage.hold();
    player?.close();
    player = null;
  },
  probe: () => status.ask(),
  renew: () => player?.renew(),
};

function fromPlayer(event) {
  // 422: the station does not know the rendition any more.
  if (event.type === "refused" && event.status === 422) quality.refused();
  // Another language may be fetched now, when it is in the way of no picture.
  if (event.type === "offered" || event.type === "unsupported") words.begin();
  if (event.type === "track") stage.play(event.track);
  else dispatch(event);
}

function pictureSeen(video, now, metadata) {
  // The decoder's last picture may still be shown after its connection was given up.
  if (!player) return;
  if (state.name !== "live") performance.mark("carrier:picture");
  dispatch({ type: "picture" });
  if (statistics.open) statistics.seen(video, now, metadata);
}

// Whether packets still come while no picture does.
async function listen() {
  const peer = player?.peer;
  if (!peer || !state.session || performance.now() - state.pictureAt < LISTEN_AFTER_MS) return;
  const bytes = look(await peer.getStats())?.bytes ?? 0;
  if (heard.peer === peer && bytes > heard.bytes) dispatch({ type: "heard" });
  heard = { peer, bytes };
}

// Where the picture lies on the page; all of its stage until there is one.
function shownPicture() {
  const image = byId("simple");
  const box = stage.video.getBoundingClientRect();
  if (!image.hidden) return contained(box, image.naturalWidth, image.naturalHeight);
  return contained(box, stage.video.videoWidth, stage.video.videoHeight);
}

function showState() {
  fallback.show(state.name === "fallback");
  status.worry(state.name !== "live");
  signs.connection(state);
  if (state.name === "live") statistics.fetch();
}

// The offer goes out before anything else is set up.
dispatch({ type: "start" });
showState();
status.ask();
const controls = makeControls({ currentVideo: () => stage.video, statistics, words, speak });

setInterval(() => {
  listen();
  dispatch({ type: "tick" });
}, TICK_MS);
addEventListener("online", () => dispatch({ type: "online" }));
addEventListener("offline", () => dispatch({ type: "offline" }));
addEventListener("pagehide", () => player?.close());
addEventListener("pageshow", (event) => event.persisted && dispatch({ type: "restored" }));
document.addEventListener("visibilitychange", () => {
  dispatch({ type: document.hidden ? "hidden" : "visible" });
  if (!document.hidden) status.ask();
});
if (document.hidden) dispatch({ type: "hidden" });
