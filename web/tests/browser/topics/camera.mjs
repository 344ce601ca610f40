import { readFile } from "node:fs/promises";
import path from "node:path";
import { says } from "../harness/booth.mjs";
import { launchChromium } from "../harness/browser.mjs";
import { coloursAt, furthest, stateIs, visibleText } from "../harness/eyes.mjs";
import { KNOWN } from "../harness/known_colours.mjs";
import { status } from "../harness/peers.mjs";
import { makeRelay } from "../harness/relay.mjs";

export const limitMs = 300000;
export const title = "a phone's browser is the source, and the station's own source returns after it";

const BACK_MS = 2000;
const CAMERA = "camera of a browser";
// Longer than the page needs to notice a cut.
const CUT_MS = 6000;

export async function run(t) {
  if (!t.real) return t.skip("the mock takes no publisher");
  const token = (
    await readFile(path.join(t.out, "home", "state", "carrier", "admin-token"), "utf8")
  ).trim();
  const feed = await t.page();
  await stateIs(feed, "live");
  await refusals(t);

  // Chromium's fake camera, whose test picture differs from the scene.
  const browser = await launchChromium([
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
  ]);
  try {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const camera = await context.newPage();
    const complaints = [];
    camera.on("pageerror", (error) => complaints.push(error.message));
    await camera.goto(`${t.station.url}camera#token=${token}`);
    t.check("the token is removed from the address", !camera.url().includes(token));
    await camera.click("#start");
    await camera.waitForSelector(':root[data-sending="live"]', { state: "attached", timeout: 15000 });
    await becomes(feed, (now) => now.source.description === CAMERA, 15000);
    t.check("the status names the new source", true);
    const told = await says(feed, "#notices", /The picture now comes from camera of a browser\./);
    t.check("viewers are notified of the new source", told, await visibleText(feed, "#notices"));
    await becomes(feed, (now) => now.source.fps > 5 && now.source.published, 5000);
    t.check("the status has the source's frame rate", true, `${(await status(feed)).source.fps} fps`);
    await feed.waitForTimeout(2500);
    await sameOnBoth(t, camera, feed);
    const { source } = await status(feed);
    t.check("the status has the source's size", source.width >= 640, `${source.width}x${source.height}`);
    await camera.waitForFunction(() => /bit\/s/.test(document.querySelector("#rate").textContent));
    t.check("the camera page shows the bit rate", true, await camera.textContent("#rate"));
    await t.shot(camera, "camera");
    await t.shot(feed, "camera-feed");

    const began = Date.now();
    await camera.click("#stop");
    await becomes(feed, (now) => now.source.description === "test scene", 5000);
    t.check("stopping brings the scene back within 2 s", Date.now() - began < BACK_MS, `${Date.now() - began} ms`);
    t.check("viewers are notified that the own source is back", await says(feed, "#notices", /own camera is back/));
    await feed.waitForTimeout(1000);
    const known = KNOWN[t.station.kind];
    const seen = await coloursAt(feed, known);
    const off = Math.max(...known.map(({ rgb }, index) => furthest(rgb, seen[index])));
    t.check("the live page shows the scene again", off < 30, `colours off by ${off}`);
    const words = await visibleText(camera, "#state");
    t.check("the camera page says that it does not send", words === "Not sending.", words);

    await camera.click("#start");
    await becomes(feed, (now) => now.source.description === CAMERA, 15000);
    const closed = Date.now();
    await context.close();
    await becomes(feed, (now) => now.source.description === "test scene", 5000);
    t.check("closing the tab brings the scene back within 2 s", Date.now() - closed < BACK_MS, `${Date.now() - closed} ms`);
    await anotherNetwork(t, browser, feed, token);
    t.check("no errors in the console", complaints.length === 0, complaints[0] ?? "");
  } finally {
    await browser.close();
  }
  return undefined;
}

// A phone that loses its network and gets another address in another one.
async function anotherNetwork(t, browser, feed, token) {
  const relay = await makeRelay(t.station);
  try {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const camera = await context.newPage();
    const asked = [];
    camera.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await camera.goto(`${relay.url}camera#token=${token}`);
    await camera.click("#start");
    await becomes(feed, (now) => now.source.description === CAMERA, 15000);
    await feed.waitForTimeout(1500);
    relay.cut();
    await feed.waitForTimeout(CUT_MS);
    const words = await visibleText(camera, "#state");
    t.check("the camera page reports the lost connection", words.startsWith("Connection lost"), words);
    relay.move();
    relay.restore();
    const began = Date.now();
    await becomes(feed, (now) => now.source.description === CAMERA, 15000);
    t.check("the source is back within 2 s in another network", Date.now() - began < BACK_MS, `${Date.now() - began} ms`);
    await camera.waitForSelector(':root[data-sending="live"]', { state: "attached", timeout: 5000 });
    const sessions = asked.filter((line) => line === "POST /whip").length;
    t.check("the session is the same", sessions === 1, sessions);
    await context.close();
    await becomes(feed, (now) => now.source.description === "test scene", 5000);
  } finally {
    relay.close();
  }
}

// A wrong token, and plain HTTP.
async function refusals(t) {
  const insecure = await t.page({
    address: null,
    before: (page) =>
      page.addInitScript(() => {
        Object.defineProperty(window, "isSecureContext", { value: false });
      }),
  });
  await insecure.goto(`${t.station.url}camera`);
  await insecure.waitForFunction(() => {
    const shown = (id) => !document.getElementById(id).hidden;
    return shown("secure-there") || shown("secure-nowhere");
  });
  const words = await visibleText(insecure, "#insecure");
  t.check("without HTTPS the page explains what is missing", /only.*HTTPS/.test(words), words.slice(0, 80));
  t.check("without HTTPS there is no start button", !(await insecure.isVisible("#start")));
  await t.shot(insecure, "camera-insecure");
  const answer = await insecure.evaluate(async () => {
    const headers = { "Content-Type": "application/sdp", Authorization: "Bearer wrong" };
    return (await fetch("/whip", { method: "POST", headers, body: "v=0" })).status;
  });
  t.check("a wrong token is refused", answer === 401, answer);
}

async function becomes(page, wanted, withinMs) {
  const until = Date.now() + withinMs;
  let last = null;
  while (Date.now() < until) {
    last = await status(page);
    if (wanted(last)) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`not within ${withinMs} ms: ${JSON.stringify(last?.source)}`);
}

// Compares colours of the preview and the feed, apart from what moves.
async function sameOnBoth(t, camera, feed) {
  const grid = [];
  for (let x = 0.06; x < 1; x += 0.09) for (let y = 0.15; y < 0.95; y += 0.1) grid.push([x, y]);
  const look = (page, id) =>
    page.evaluate(
      ([element, points]) => {
        const video = document.getElementById(element);
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(video, 0, 0);
        return points.map(([x, y]) => {
          const at = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
          return [...context.getImageData(at[0], at[1], 1, 1).data].slice(0, 3);
        });
      },
      [id, grid],
    );
  const [sent, seen] = await Promise.all([look(camera, "preview"), look(feed, "video")]);
  const offs = sent.map((rgb, index) => furthest(rgb, seen[index])).sort((a, b) => a - b);
  const most = offs[Math.floor(offs.length * 0.7)];
  t.check("the feed shows the camera's picture", most < 40, `70 % of ${offs.length} places within ${most}`);
}
