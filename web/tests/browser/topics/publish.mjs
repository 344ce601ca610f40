import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { makeCarrier } from "../harness/carrier.mjs";
import { status } from "../harness/peers.mjs";

export const title = "the feed sent on to a WHIP server";

// The WHIP server: HTTP here, media in a page of Chromium.
export async function run(t) {
  if (!t.real) return t.skip("the mock publishes nothing");
  const receiver = await t.page({ address: `${t.station.url}healthz` });
  await teachAdmission(receiver);
  const asked = [];
  const server = http.createServer((request, response) => serve(receiver, asked, request, response));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const out = path.join(t.out, "publish");
  mkdirSync(out, { recursive: true });
  const config = path.join(out, "carrier.toml");
  const url = `http://127.0.0.1:${server.address().port}/whip`;
  writeFileSync(config, `[publish]\nurl = "${url}"\ntoken = "a-token"\n`);
  const more = ["--config", config, "--model", "none"];
  const station = await makeCarrier({ binary: process.env.CARRIER_BIN, out, more });
  try {
    await station.start();
    const moving = await decodes(receiver, 30);
    const seen = await receiver.evaluate(() => globalThis.seen());
    t.check("Chromium decodes it", moving && seen.width === 1280, JSON.stringify(seen));
    t.check("the token was sent", asked[0]?.authorization === "Bearer a-token");
    const page = await t.page({ address: station.url });
    const { publish } = await status(page);
    t.check("the status says that it publishes", publish?.state === "live", JSON.stringify(publish));
    await page.keyboard.press("s");
    const line = page.locator("#line-publish");
    await line.waitFor({ state: "visible", timeout: 5000 }).catch(() => {});
    const text = (await line.textContent()).trim();
    t.check("the statistics say that it publishes", (await line.isVisible()) && text.includes("live"), text);
    await t.shot(page, "publish");
    await station.end();
    const left = asked.some(({ method }) => method === "DELETE");
    t.check("the station ends the session with DELETE", left, asked.map(({ method }) => method).join(" "));
  } finally {
    await station.end();
    server.closeAllConnections();
    server.close();
  }
}

async function serve(receiver, asked, request, response) {
  const { method, headers } = request;
  asked.push({ method, authorization: headers.authorization });
  let body = "";
  for await (const chunk of request) body += chunk;
  if (method !== "POST") return response.writeHead(200).end();
  const answer = await receiver.evaluate((offer) => globalThis.admit(offer), body);
  const type = { "Content-Type": "application/sdp", Location: "session/1" };
  return response.writeHead(201, type).end(answer);
}

function teachAdmission(page) {
  return page.evaluate(() => {
    const video = document.createElement("video");
    video.muted = true;
    let peer = null;
    globalThis.admit = async (offer) => {
      peer?.close();
      peer = new RTCPeerConnection();
      peer.ontrack = ({ track }) => {
        video.srcObject = new MediaStream([track]);
        video.play().catch(() => {});
      };
      await peer.setRemoteDescription({ type: "offer", sdp: offer });
      await peer.setLocalDescription();
      while (peer.iceGatheringState !== "complete") {
        await new Promise((done) => setTimeout(done, 10));
      }
      return peer.localDescription.sdp;
    };
    globalThis.seen = async () => {
      const stats = peer ? [...(await peer.getStats()).values()] : [];
      const inbound = stats.find(({ type }) => type === "inbound-rtp");
      const { framesDecoded = 0, packetsLost = 0, keyFramesDecoded = 0 } = inbound ?? {};
      return { framesDecoded, keyFramesDecoded, packetsLost, width: video.videoWidth };
    };
  });
}

async function decodes(page, frames) {
  const until = Date.now() + 20000;
  while (Date.now() < until) {
    const { framesDecoded } = await page.evaluate(() => globalThis.seen());
    if (framesDecoded >= frames) return true;
    await page.waitForTimeout(100);
  }
  return false;
}
