// watch.mjs URL ADDRESS [SECONDS]: fails unless the page at URL, whose name resolves to ADDRESS, shows moving pictures over
// WebRTC in time. (Where that fails, the page shows pictures over HTTP.)
import { launchChromium } from "../../web/tests/browser/harness/browser.mjs";

const [url, address, seconds = 30] = process.argv.slice(2);
const browser = await launchChromium([`--host-resolver-rules=MAP booth.example ${address}`]);
const page = await browser.newPage();

async function shows() {
  const [viewers, video] = await page.evaluate(async () => {
    const { videoWidth, currentTime } = document.querySelector("video");
    return [await (await fetch("api/viewers")).json(), { videoWidth, currentTime }];
  });
  return viewers.some((viewer) => viewer.connected) && video.videoWidth > 0 && video.currentTime > 1;
}

let seen = false;
for (const limit = Date.now() + seconds * 1000; !seen && Date.now() < limit; ) {
  await new Promise((wake) => setTimeout(wake, 200));
  // The station may not be up yet.
  seen = page.url().startsWith("http") ? await shows() : await page.goto(url).then(() => false, () => false);
}
await browser.close();
process.exit(seen ? 0 : 1);
