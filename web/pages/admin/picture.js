// The live picture, as the live page shows it: WebRTC, else the simple stream. It rests while it is out of sight.

import { initial, step } from "../app/connection.js";
import { byId, setText } from "../app/page.js";
import { openPlayer } from "../app/player.js";
import { makeSimpleStream, makeStage } from "../app/stage.js";
import { readCounters } from "../app/stats.js";

const TICK_MS = 250;
const COUNT_PACKETS_AFTER_MS = 300; // without a picture

const STATE_KEYS = {
  connecting: "live.state.connecting",
  reconnecting: "live.state.reconnecting",
  fallback: "live.state.simple",
  asleep: "live.state.asleep",
};

export function makePicture({ words }) {
  const frame = byId("frame");
  const simple = byId("simple");
  let state = initial();
  let player = null;
  let timer = 0;
  let isSeen = true;
  let received = { peer: null, bytes: 0 };

  const showSimpleStream = makeSimpleStream(simple, () => dispatch({ type: "simple_failed" }));
  const stage = makeStage(byId("video"), byId("last"), (video) => {
    if (!player) return;
    shape(video.videoWidth, video.videoHeight);
    dispatch({ type: "picture" });
  });
  simple.addEventListener("load", () => shape(simple.naturalWidth, simple.naturalHeight));

  // The frame has the picture's shape, so that masks lie where they belong.
  function shape(width, height) {
    if (width > 1 && height > 1) frame.style.setProperty("--ratio", String(width / height));
  }

  const ACTIONS = {
    open() {
      stage.freeze();
      player?.close();
      player = openPlayer({ endpoint: "whep", asksForServers: true, tell: fromPlayer });
    },
    close() {
      stage.freeze();
      player?.close();
      player = null;
    },
    probe() {},
    renew: () => player?.renew(),
  };

  function fromPlayer(event) {
    if (event.type === "track") stage.play(event.track);
    else dispatch(event);
  }

  function dispatch(event) {
    if (timer === 0) return;
    const before = state.name;
    const next = step(state, event, performance.now());
    state = next.state;
    for (const action of next.actions) ACTIONS[action]();
    if (state.name !== before) draw();
  }

  function draw() {
    showSimpleStream(state.name === "fallback" && timer !== 0);
    const key = STATE_KEYS[state.name];
    setText(byId("picture-state"), key && words() ? words().say(key) : "");
    byId("picture-state").hidden = !key;
  }

  async function countPackets() {
    const peer = player?.peer;
    if (!peer || !state.session || performance.now() - state.pictureAt < COUNT_PACKETS_AFTER_MS) return;
    const bytes = readCounters(await peer.getStats())?.bytes ?? 0;
    if (received.peer === peer && bytes > received.bytes) dispatch({ type: "packets" });
    received = { peer, bytes };
  }

  function sight() {
    const type = isSeen && !document.hidden ? "visible" : "hidden";
    if (type === "hidden" || state.hiddenSince !== null) dispatch({ type });
  }

  new IntersectionObserver((entries) => {
    const seen = entries.at(-1).isIntersecting;
    if (seen === isSeen) return;
    isSeen = seen;
    sight();
  }).observe(frame);
  document.addEventListener("visibilitychange", sight);
  addEventListener("online", () => dispatch({ type: "online" }));
  addEventListener("offline", () => dispatch({ type: "offline" }));
  addEventListener("pagehide", () => player?.close());
  addEventListener("pageshow", (event) => event.persisted && dispatch({ type: "restored" }));

  return {
    draw,
    // Whether the station answered another request.
    reached: (yes) => dispatch({ type: yes ? "reached" : "unreachable" }),
    start() {
      if (timer !== 0) return;
      state = initial();
      timer = setInterval(() => {
        countPackets();
        dispatch({ type: "tick" });
      }, TICK_MS);
      dispatch({ type: "start" });
      if (document.hidden) sight();
      draw();
    },
    stop() {
      clearInterval(timer);
      timer = 0;
      ACTIONS.close();
      // The next person at this browser must not see the last picture.
      byId("video").srcObject = null;
      byId("last").hidden = true;
      byId("last").width = 1;
      draw();
    },
  };
}
