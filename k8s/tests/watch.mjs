// watch.mjs URL ADDRESS: fails unless the page at URL, whose name resolves to ADDRESS, shows moving pictures within 30 s.
import { launchChromium } from "../../web/tests/browser/harness/browser.mjs";

const [url, address] = process.argv.slice(2);
const browser = await launchChromium([`--host-resolver-rules=MAP booth.example ${address}`]);
const page = await browser.newPage();
const limit = Date.now() + 30000;
while (!(await page.goto(url).catch(() => null)) && Date.now() < limit) {
  // The station is not up yet.
  await new Promise((wake) => setTimeout(wake, 200));
}
const moves = () => {
  const video = document.querySelector("video");
  return video?.videoWidth > 0 && video.currentTime > 1;
};
const seen = await page.waitForFunction(moves, null, { timeout: 30000 }).catch(() => null);
await browser.close();
process.exit(seen ? 0 : 1);
