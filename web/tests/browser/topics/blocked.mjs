import { stateIs, visibleText } from "../harness/eyes.mjs";

export const title = "where WebRTC is blocked, the simple stream";

export async function run(t) {
  // With relays only and no relay, a connection is never made: as behind a firewall.
  const page = await t.page({
    before: (blank) =>
      blank.addInitScript(() => {
        globalThis.blocked = true;
        globalThis.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(config) {
            super(globalThis.blocked ? { ...config, iceTransportPolicy: "relay" } : config);
          }
        };
      }),
  });
  const began = Date.now();
  await stateIs(page, "fallback", 9000);
  t.check("within 5 s or so", Date.now() - began < 6500, `${Date.now() - began} ms`);
  await page.waitForFunction(() => document.getElementById("simple").naturalWidth > 0);
  t.check("the simple stream shows", true);
  const words = await visibleText(page, "#notices");
  t.check("and is said plainly", words.includes("WebRTC is blocked here. Still trying."), words);
  await t.shot(page, "fallback");
  const moved = await page.evaluate(async () => {
    const read = (await import("/app/timecode.js")).makeReader();
    const image = document.getElementById("simple");
    const before = read(image);
    await new Promise((done) => setTimeout(done, 1000));
    return read(image) - before;
  });
  t.check("it moves", moved > 300 && moved < 3000, `${moved} ms in one second`);

  await page.evaluate(() => (globalThis.blocked = false));
  await stateIs(page, "live", 15000);
  t.check("WebRTC is taken back by itself", true);
  const gone = await page.evaluate(() => document.getElementById("simple").src.startsWith("data:"));
  t.check("and the simple stream is let go", gone);

  const without = await t.page({
    before: (blank) => blank.addInitScript(() => delete globalThis.RTCPeerConnection),
  });
  await stateIs(without, "fallback", 3000);
  t.check("a browser without WebRTC gets it at once", true);

  const plain = await t.page({ javaScriptEnabled: false, address: null });
  await plain.goto(t.station.url, { waitUntil: "commit" });
  await plain.waitForTimeout(1200);
  const asked = plain.requests.some((address) => address.endsWith("/stream.mjpg"));
  t.check("a page without scripts has the picture", asked);
  await t.shot(plain, "without-scripts");
}
