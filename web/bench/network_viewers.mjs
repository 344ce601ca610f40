// Two viewers behind the lossy link: the page in Chromium, and another implementation without a
// decoder. Each gives {began: unix ms, pictures: [[unix ms, height]], samples: [[unix ms, bytes,
// round trip ms]]}.

import { spawn } from "node:child_process";

const SAMPLE_MS = 1000;

// The page as people have it. Gives {ended(): what it saw}.
export async function openPage(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  await page.addInitScript(tap);
  await page.addInitScript(note, SAMPLE_MS);
  const began = Date.now();
  await page.goto(url);
  return {
    async ended() {
      const seen = await page.evaluate(() => ({
        pictures: globalThis.benchPictures,
        samples: globalThis.benchSamples,
        connections: globalThis.benchPeers.length,
        state: document.documentElement.dataset.state,
      }));
      await context.close();
      return { began, ...seen };
    },
  };
}

// Runs in the page: keeps its connections at hand. One that gave up and began anew has several.
function tap() {
  globalThis.benchPeers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      globalThis.benchPeers.push(this);
    }
  };
}

// Runs in the page: notes each picture when it is handed to the compositor, and the counters.
function note(everyMs) {
  const unix = (at) => Math.round(performance.timeOrigin + at);
  globalThis.benchPictures = [];
  globalThis.benchSamples = [];
  const watch = (video) => {
    const next = (_, metadata) => {
      // Chromium shows a black picture of 2 by 2 where a stream has none yet.
      if (metadata.height > 2) {
        globalThis.benchPictures.push([unix(metadata.presentationTime), metadata.height]);
      }
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  };
  addEventListener("DOMContentLoaded", () => watch(document.querySelector("#video")));
  const bytes = new Map();
  setInterval(async () => {
    let roundTrip = null;
    for (const peer of globalThis.benchPeers) {
      if (peer.connectionState === "closed") continue;
      for (const stat of (await peer.getStats()).values()) {
        if (stat.type === "transport") bytes.set(peer, stat.bytesReceived);
        const carries = stat.type === "candidate-pair" && stat.nominated;
        if (carries && stat.currentRoundTripTime !== undefined) {
          roundTrip = stat.currentRoundTripTime * 1000;
        }
      }
    }
    const all = [...bytes.values()].reduce((sum, count) => sum + count, 0);
    globalThis.benchSamples.push([unix(performance.now()), all, roundTrip]);
  }, everyMs);
}

// Gives {ended(): what it saw}.
export function startLightViewer(lightViewers, url) {
  const args = ["watch", new URL(url).host];
  const child = spawn(lightViewers, args, { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const ended = new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => {
      if (code === 0) done(JSON.parse(text));
      else failed(new Error(`the light viewer ended with ${code}`));
    });
  });
  // Awaited later; until then a failure must not end the whole run.
  ended.catch(() => {});
  return {
    ended() {
      child.stdin.end();
      return ended;
    },
  };
}
