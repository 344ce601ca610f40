// Measures the latency: reads the timecode strip of the live picture and compares it with this machine's clock. Station
// and browser run on one machine, with the test scene as source.
//
//   node latency.mjs http://127.0.0.1:8080/ [pages] [seconds of each]
//
// Several pages are measured one after the other: the phase between video and screen refresh is random, constant for a
// page, and changes the result by up to a refresh interval. Prints one line of JSON, times in milliseconds:
//   p50, p95, min, max   produced to shown (expected on the screen, or seen if that was later)
//   pages_p50            the median of each page
//   seen_p50, seen_p95   produced to readable by the page's own code
//   sent_p50, sent_p95   produced to handed over to the compositor (no wait for the screen)
//   fps, n, unreadable   pictures per second; how many were read, and how many could not be
//   join_ms, joins_ms    from sending the offer to the first picture: the median, and each
//   answer_to_picture_ms of the last join
//   bitrate_bps, lost_share, buffer_ms, decode_ms, frozen, width, height   getStats(), last page

import { fileURLToPath } from "node:url";
import { launchChromium } from "./harness/browser.mjs";
import { marks, percentile, stateIs, watchPictures } from "./harness/eyes.mjs";

const WARM_UP_MS = 1000;

export async function measure(browser, url, { pages = 5, seconds = 3 } = {}) {
  const looks = [];
  for (let page = 0; page < pages; page += 1) looks.push(await onePage(browser, url, seconds));
  const { join, numbers } = looks.at(-1);
  const joinsMs = looks.map((look) => look.join.join_ms);
  const shown = looks.map((look) => agesOf(look.pictures, "shown_ms"));
  const [seen, sent] = ["seen_ms", "sent_ms"].map((when) =>
    looks.flatMap((look) => agesOf(look.pictures, when)),
  );
  const count = looks.reduce((sum, look) => sum + look.pictures.length, 0);
  const spanMs = looks.reduce(
    (sum, { pictures }) => sum + pictures.at(-1).sent_ms - pictures[0].sent_ms,
    0,
  );
  const all = shown.flat();
  return rounded({
    p50: percentile(all, 0.5),
    p95: percentile(all, 0.95),
    min: Math.min(...all),
    max: Math.max(...all),
    pages_p50: shown.map((ages) => percentile(ages, 0.5)),
    seen_p50: percentile(seen, 0.5),
    seen_p95: percentile(seen, 0.95),
    sent_p50: percentile(sent, 0.5),
    sent_p95: percentile(sent, 0.95),
    fps: ((count - looks.length) / spanMs) * 1000,
    n: all.length,
    unreadable: count - all.length,
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

async function onePage(browser, url, seconds) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  try {
    const page = await context.newPage();
    await openTapped(page, url);
    await stateIs(page, "live", 20000);
    const join = await marks(page);
    await page.waitForTimeout(WARM_UP_MS);
    const before = await countersOf(page);
    const pictures = await watchPictures(page, seconds * 1000);
    return { join, pictures, numbers: await between(page, before, await countersOf(page)) };
  } finally {
    await context.close();
  }
}

function agesOf(pictures, when) {
  const read = pictures.filter((picture) => picture.produced_ms !== null);
  return read.map((picture) => picture[when] - picture.produced_ms);
}

// Keeps the page's newest connection, for getStats().
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

function countersOf(page) {
  return page.evaluate(async () => {
    const { readCounters } = await import("/app/stats.js");
    return readCounters(await globalThis.newestPeer.getStats());
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
  const [url = "http://127.0.0.1:8080/", pages = "5", seconds = "3"] = process.argv.slice(2);
  const browser = await launchChromium();
  try {
    const wanted = { pages: Number(pages), seconds: Number(seconds) };
    console.log(JSON.stringify(await measure(browser, url, wanted)));
  } finally {
    await browser.close();
  }
}
