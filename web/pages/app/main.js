// The live page: events go into connection.js, and its actions are done here.

import { initial, step } from "./connection.js";
import { makeControls } from "./controls.js";
import { contained, makeEdges } from "./edges.js";
import { makeLiveWords } from "./live_words.js";
import { makeNotices, speak } from "./notices.js";
import { byId } from "./page.js";
import { openPlayer } from "./player.js";
import { makeQuality } from "./quality.js";
import { makeSimpleStream, makeStage } from "./stage.js";
import { makeStatistics } from "./statistics.js";
import { readCounters } from "./stats.js";
import { makeStatus } from "./status.js";

const TICK_MS = 250;
const COUNT_PACKETS_AFTER_MS = 300; // without a picture
// The labels that are painted on a lower picture have letters of less than 11 pixels.
const LOW_PICTURE_PX = 360;

let state = initial();
let player = null;
let received = { peer: null, bytes: 0 };

const edges = makeEdges(document.documentElement, shownPicture);
const words = makeLiveWords({
  select: byId("language"),
  changed() {
    for (const part of [notices, statistics, quality, controls]) part.reworded();
  },
});
const { say } = words;
const notices = makeNotices({ edges, say });
// The station sets it when it has STUN or TURN servers; without it the request for them is saved.
const asksForServers = "iceServers" in document.documentElement.dataset;
// A browser on the station's own machine has its clock.
const onStation = /^(localhost|127\.|\[::1\])/.test(location.host);
const stationAhead = () => status.clock().offsetMs ?? (onStation ? 0 : null);
const quality = makeQuality({ select: byId("quality"), choose: (name) => player?.choose(name), say });
const statistics = makeStatistics(
  byId("statistics"),
  { player: () => player, stationAhead, quality, words, speak },
  words.offer,
);
const showSimpleStream = makeSimpleStream(byId("simple"), () => dispatch({ type: "simple_failed" }));
const stage = makeStage(byId("video"), byId("last"), pictureSeen);
const status = makeStatus({
  tell: dispatch,
  show(next) {
    notices.status(next);
    statistics.status(next);
    quality.status(next);
    // Hidden where there is no photo booth.
    for (const id of ["button-stylise", "link-booth", "link-gallery"]) byId(id).hidden = next.stylise === null;
    if (typeof next.play === "boolean") byId("link-play").hidden = !next.play;
  },
});

function dispatch(event) {
  const before = state;
  const next = step(state, event, performance.now());
  state = next.state;
  for (const action of next.actions) ACTIONS[action]();
  const shown = ["name", "refused", "restartingSince"];
  if (shown.some((part) => state[part] !== before[part])) showState();
}

const ACTIONS = {
  open() {
    ACTIONS.close();
    player = openPlayer({ endpoint: quality.endpoint, asksForServers, tell: fromPlayer });
  },
  close() {
    stage.freeze();
    player?.close();
    player = null;
  },
  probe: () => status.ask(),
  renew: () => player?.renew(),
};

function fromPlayer(event) {
  // 422: the station does not know the rendition.
  if (event.type === "refused" && event.status === 422) quality.refused();
  // Only now, so that fetching another language does not delay the first picture.
  if (event.type === "offered" || event.type === "unsupported") words.begin();
  if (event.type === "track") stage.play(event.track);
  else dispatch(event);
}

function pictureSeen(video, now, metadata) {
  // The decoder may still show a picture of a connection that was closed.
  if (!player) return;
  if (state.name !== "live") performance.mark("carrier:picture");
  dispatch({ type: "picture" });
  if (statistics.open) statistics.seen(video, now, metadata);
}

// Tells connection.js that packets arrive although no picture does.
async function countPackets() {
  const peer = player?.peer;
  if (!peer || !state.session || performance.now() - state.pictureAt < COUNT_PACKETS_AFTER_MS) return;
  const bytes = readCounters(await peer.getStats())?.bytes ?? 0;
  if (received.peer === peer && bytes > received.bytes) dispatch({ type: "packets" });
  received = { peer, bytes };
}

// The rectangle of the picture on the page; of its element while there is no picture.
function shownPicture() {
  const image = byId("simple");
  const box = stage.video.getBoundingClientRect();
  if (!image.hidden) return contained(box, image.naturalWidth, image.naturalHeight);
  return contained(box, stage.video.videoWidth, stage.video.videoHeight);
}

// Labels that can be read where the painted ones are too small; fetched only there.
let labels = null;
async function showLabels() {
  const { top, bottom } = shownPicture();
  const isShown = ["live", "fallback"].includes(state.name) && !document.hidden;
  const isWanted = isShown && bottom - top < LOW_PICTURE_PX;
  if (!isWanted && !labels) return;
  labels ??= import("./labels.js").then(({ makeLabels }) => makeLabels({ picture: shownPicture, words }));
  try {
    (await labels).show(isWanted);
  } catch {
    labels = null;
  }
}

function showState() {
  showSimpleStream(state.name === "fallback");
  showLabels();
  status.live(state.name === "live");
  notices.connection(state);
  if (state.name === "live") statistics.fetch();
}

// The offer goes out before the rest is set up.
dispatch({ type: "start" });
showState();
status.ask();
const controls = makeControls({ currentVideo: () => stage.video, picture: shownPicture, statistics, words, speak });

setInterval(() => {
  countPackets();
  dispatch({ type: "tick" });
}, TICK_MS);
// Of the window, or of a video: captured, since that event does not bubble.
addEventListener("resize", showLabels, true);
for (const type of ["online", "offline"]) addEventListener(type, () => dispatch({ type }));
addEventListener("pagehide", () => player?.close());
addEventListener("pageshow", (event) => event.persisted && dispatch({ type: "restored" }));
document.addEventListener("visibilitychange", () => {
  dispatch({ type: document.hidden ? "hidden" : "visible" });
  showLabels();
  if (!document.hidden) status.ask();
});
if (document.hidden) dispatch({ type: "hidden" });
