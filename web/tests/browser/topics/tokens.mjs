import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeCarrier } from "../harness/carrier.mjs";
import { stateIs, visibleText } from "../harness/eyes.mjs";
import { freeTcpPort } from "../harness/ports.mjs";

export const title = "the viewer token, HTTPS, and ICE servers";

const TOKEN = "let-me-watch";
// Nothing answers there; the direct path is found all the same.
const STUN = "stun:127.0.0.1:9";
const CONFIGURATION = `
[viewers]
token = "${TOKEN}"
max = 1

[[ice_servers]]
urls = ["${STUN}"]
`;

export async function run(t) {
  if (!t.real) return t.skip("the mock has no tokens");
  const out = path.join(t.out, "tokens");
  mkdirSync(out, { recursive: true });
  const file = path.join(out, "tokens.toml");
  writeFileSync(file, CONFIGURATION);
  const tlsPort = await freeTcpPort();
  const more = ["--config", file, "--listen-tls", `127.0.0.1:${tlsPort}`];
  const station = await makeCarrier({ binary: process.env.CARRIER_BIN, out, more });
  await station.start();
  try {
    await withoutToken(t, station.url);
    await withToken(t, `https://127.0.0.1:${tlsPort}/`, station.url);
  } finally {
    await station.end();
  }
}

async function withoutToken(t, address) {
  const page = await t.page({ address, viewport: { width: 390, height: 844 } });
  const words = await visibleText(page, "#locked h1");
  t.check("without the token a page explains what is needed", words.includes("have the link"), words);
  await t.shot(page, "locked");
  const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  t.check("that page fits a phone", fits);
  await page.getByLabel("Token").fill("let-me-see");
  await page.keyboard.press("Enter");
  await page.waitForLoadState();
  t.check("a wrong token is removed from the address", page.url() === address, page.url());
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Watch" }).click();
  await stateIs(page, "live");
  t.check("an entered token admits", page.url() === address, page.url());
  await page.reload();
  await stateIs(page, "live");
  t.check("a reload keeps the admission", true);
  await page.goto("about:blank");
}

async function withToken(t, secure, plain) {
  const referrers = [];
  const page = await t.page({
    address: `${secure}?token=${TOKEN}`,
    ignoreHTTPSErrors: true,
    before: (blank) => {
      blank.on("request", (request) => {
        const { referer } = request.headers();
        if (referer) referrers.push(`${request.url()} from ${referer}`);
        if (!request.isNavigationRequest() && request.url().includes(TOKEN)) referrers.push(request.url());
      });
      return blank.addInitScript(() => {
        globalThis.servers = [];
        const set = RTCPeerConnection.prototype.setConfiguration;
        RTCPeerConnection.prototype.setConfiguration = function (configuration) {
          globalThis.servers.push(...configuration.iceServers.map((server) => server.urls));
          return set.call(this, configuration);
        };
      });
    },
  });
  await stateIs(page, "live");
  t.check("a link's token admits over HTTPS and is removed from the address", page.url() === secure, page.url());
  t.check("the token is in no referrer and in no other request", referrers.length === 0, referrers[0]);
  const kept = await page.evaluate((token) => {
    const entries = performance.getEntriesByType("resource").map(({ name }) => name);
    return JSON.stringify([{ ...localStorage }, document.cookie, document.referrer, entries]).includes(token);
  }, TOKEN);
  t.check("scripts cannot find the token", !kept);
  const camera = await page.evaluate(() => isSecureContext && "mediaDevices" in navigator);
  t.check("the page is a secure context with cameras", camera);
  const servers = await page.evaluate(() => globalThis.servers.flat().join(" "));
  t.check("the page uses the STUN server", servers === STUN, servers);

  const late = await t.page({ address: `${plain}?token=${TOKEN}` });
  await late.waitForFunction(() => document.querySelector("#state").textContent === "Waiting");
  const words = await visibleText(late, "#centre-words");
  t.check("a viewer beyond the limit waits", words.startsWith("The station is full."), words);
  await page.goto("about:blank");
  await stateIs(late, "live", 15000);
  t.check("the waiting viewer is admitted when a place is free", true);
}
