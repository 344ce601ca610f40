// Two viewers behind the lossy link: the page in Chromium, and a light viewer, another WebRTC implementation without a
// decoder. Each gives {began: Unix ms, pictures: [[Unix ms, height]], samples: [[Unix ms, bytes, round trip ms]]}.

import { startLightViewers } from "./station.mjs";

const SAMPLE_MS = 1000;

// The live page. Gives {ended(): what it saw}.
export async function openPage(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  await page.addInitScript(collectPeers);
  await page.addInitScript(record, SAMPLE_MS);
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

// Runs in the page: collects its connections, several if it has reconnected.
function collectPeers() {
  globalThis.benchPeers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      globalThis.benchPeers.push(this);
    }
  };
}

// Runs in the page: records when each picture is handed to the compositor, and the counters.
function record(everyMs) {
  const unix = (at) => Math.round(performance.timeOrigin + at);
  globalThis.benchPictures = [];
  globalThis.benchSamples = [];
  const watch = (video) => {
    const next = (_, metadata) => {
      // Chromium shows a black picture of 2x2 before a stream's first picture.
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

// Watches until ended() closes its standard input. Gives {ended(): what it saw}.
export function startWatching(lightViewers, url) {
  const { ended, child } = startLightViewers(lightViewers, ["watch", new URL(url).host], "pipe");
  return {
    ended() {
      child.stdin.end();
      return ended;
    },
  };
}
