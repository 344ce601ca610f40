// Reads the timecode strip off the live picture and compares it with this machine's clock.
// For the bench: station and browser on one machine, the scene as source.
//
//   node latency.mjs http://127.0.0.1:8080/ [seconds] [joins]
//
// Prints one line of JSON, times in milliseconds:
//   p50, p95, min, max   produced to shown (expected on the screen, or seen if that was later)
//   sent_p50, sent_p95   produced to handed over to the compositor (no wait for the screen)
//   fps, n, unreadable   pictures per second; how many were read, and how many could not be
//   join_ms, joins_ms    from sending the offer to the first picture: the median, and each
//   answer_to_picture_ms of the last join
//   bitrate_bps, lost_share, buffer_ms, decode_ms, frozen, width, height   from getStats()

import { fileURLToPath } from "node:url";
import { launchChromium } from "./harness/browser.mjs";
import { marks, percentile, stateIs, watchPictures } from "./harness/eyes.mjs";

const WARM_UP_MS = 2000;

export async function measure(browser, url, { seconds = 10, joins = 3 } = {}) {
  const joinsMs = [];
  let page = null;
  let join = null;
  for (let time = 0; time < joins; time += 1) {
    await page?.context().close();
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    page = await context.newPage();
    await openTapped(page, url);
    await stateIs(page, "live", 20000);
    join = await marks(page);
    joinsMs.push(join.join_ms);
  }
  await page.waitForTimeout(WARM_UP_MS);
  const before = await lookAt(page);
  const pictures = await watchPictures(page, seconds * 1000);
  const numbers = await between(page, before, await lookAt(page));
  await page.context().close();

  const read = pictures.filter((picture) => picture.produced_ms !== null);
  const shown = read.map((picture) => picture.shown_ms - picture.produced_ms);
  const sent = read.map((picture) => picture.sent_ms - picture.produced_ms);
  const spanMs = pictures.at(-1).sent_ms - pictures[0].sent_ms;
  return rounded({
    p50: percentile(shown, 0.5),
    p95: percentile(shown, 0.95),
    min: Math.min(...shown),
    max: Math.max(...shown),
    sent_p50: percentile(sent, 0.5),
    sent_p95: percentile(sent, 0.95),
    fps: ((pictures.length - 1) / spanMs) * 1000,
    n: read.length,
    unreadable: pictures.length - read.length,
    join_ms: percentile(joinsMs, 0.5),
    joins_ms: joinsMs,
    answer_to_picture_ms: join.answer_to_picture_ms,
    bitrate_bps: numbers?.bitrateBps ?? null,
    lost_share: numbers?.lostShare ?? null,
    buffer_ms: numbers?.bufferMs ?? null,
    decode_ms: numbers?.decodeMs ?? null,
    frozen: numbers?.frozen ?? null,
    width: numbers?.width ?? null,
    height: numbers?.height ?? null,
  });
}

// Keeps the page's newest connection at hand, for getStats().
async function openTapped(page, url) {
  await page.addInitScript(() => {
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(config) {
        super(config);
        globalThis.newestPeer = this;
      }
    };
  });
  await page.goto(url);
}

function lookAt(page) {
  return page.evaluate(async () => {
    const { look } = await import("/app/stats.js");
    return look(await globalThis.newestPeer.getStats());
  });
}

function between(page, before, after) {
  return page.evaluate(
    async (looks) => (await import("/app/stats.js")).between(...looks),
    [before, after],
  );
}

function rounded(value) {
  if (typeof value === "number")
    return Number.isFinite(value) ? Math.round(value * 100) / 100 : null;
  if (Array.isArray(value)) return value.map(rounded);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [url = "http://127.0.0.1:8080/", seconds = "10", joins = "3"] = process.argv.slice(2);
  const browser = await launchChromium();
  try {
    const wanted = { seconds: Number(seconds), joins: Number(joins) };
    console.log(JSON.stringify(await measure(browser, url, wanted)));
  } finally {
    await browser.close();
  }
}
