// Viewers behind the lossy link: the page in Chromium, and a light viewer, another WebRTC implementation without a decoder.
// Each gives {began: the POST in Unix ms, pictures: [[Unix ms, height]], samples: [[Unix ms, bytes, round trip ms]],
// sessions: how many it needed, null if the last one failed, ports: of its UDP sockets}.

import { startLightViewers } from "./station.mjs";

const SAMPLE_MS = 1000;

// The live page. Gives {ended(): what it saw, end(): closes it}.
export async function openPage(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const end = () => context.close();
  try {
    const page = await context.newPage();
    await page.addInitScript(collectPeers);
    await page.addInitScript(record, SAMPLE_MS);
    await page.goto(url);
    const ended = async () => {
      const seen = await page.evaluate(() => ({
        began: Math.round(performance.timeOrigin + performance.getEntriesByName("carrier:post")[0].startTime),
        pictures: globalThis.benchPictures,
        samples: globalThis.benchSamples,
        sessions: globalThis.benchPeers.length,
        ports: [...globalThis.benchPorts],
      }));
      await end();
      return seen;
    };
    return { ended, end };
  } catch (error) {
    await end();
    throw error;
  }
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
  globalThis.benchPorts = new Set();
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
        if (stat.type === "local-candidate" && stat.port) globalThis.benchPorts.add(stat.port);
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

// Watches until ended() or end(). Gives {ended(): what it saw, end()}.
export function startWatching(lightViewers, url) {
  const { ended, child } = startLightViewers(lightViewers, ["watch", new URL(url).host], "pipe");
  const end = () => child.stdin.end();
  return {
    async ended() {
      end();
      const { began, pictures, samples, port, failure } = await ended;
      return { began, pictures, samples, sessions: failure === null ? 1 : null, ports: [port] };
    },
    end,
  };
}
