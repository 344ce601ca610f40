import { stateIs, visibleText } from "../harness/eyes.mjs";

export const title = "the simple stream where WebRTC is blocked";

export async function run(t) {
  // With relayed candidates only and no relay, ICE never connects, as behind a firewall.
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
  t.check("the fallback comes within 6.5 s", Date.now() - began < 6500, `${Date.now() - began} ms`);
  await page.waitForFunction(() => document.getElementById("simple").naturalWidth > 0);
  t.check("the simple stream is shown", true);
  const words = await visibleText(page, "#notices");
  t.check("a notice explains the fallback", words.includes("WebRTC is blocked here. Still trying."), words);
  await t.shot(page, "fallback");
  const moved = await page.evaluate(async () => {
    const read = (await import("/app/timecode.js")).makeReader();
    const image = document.getElementById("simple");
    const before = read(image);
    await new Promise((done) => setTimeout(done, 1000));
    return read(image) - before;
  });
  t.check("the simple stream moves", moved > 300 && moved < 3000, `${moved} ms in one second`);

  await page.evaluate(() => (globalThis.blocked = false));
  await stateIs(page, "live", 15000);
  t.check("WebRTC is used again when it works", true);
  const gone = await page.evaluate(() => document.getElementById("simple").src.startsWith("data:"));
  t.check("the simple stream is ended", gone);

  const without = await t.page({
    before: (blank) => blank.addInitScript(() => delete globalThis.RTCPeerConnection),
  });
  await stateIs(without, "fallback", 3000);
  t.check("a browser without WebRTC gets the simple stream at once", true);

  const plain = await t.page({ javaScriptEnabled: false, address: null });
  await plain.goto(t.station.url, { waitUntil: "commit" });
  await plain.waitForTimeout(1200);
  const asked = plain.requests.some((address) => address.endsWith("/stream.mjpg"));
  t.check("a page without scripts requests the stream", asked);
  await t.shot(plain, "without-scripts");
}
