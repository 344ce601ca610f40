import { stateIs } from "../harness/eyes.mjs";
import { makeRelay } from "../harness/relay.mjs";

export const title = "network outages and changes";

const BACK_MS = 2000;

export async function run(t) {
  if (!t.real) return t.skip("the mock has no media port of its own");
  const relay = await makeRelay(t.station);
  try {
    await outages(t, relay);
  } finally {
    relay.close();
  }
}

async function outages(t, relay) {
  const page = await t.page({ address: relay.url });
  await stateIs(page, "live");
  await page.waitForTimeout(1000);
  const sessions = () => page.requests.filter((url) => url.endsWith("/whep")).length;

  for (const [name, ms] of [
    ["a short cut", 1500],
    ["a silent cut", 5000],
    ["a long silent cut", 12000],
  ]) {
    relay.cut();
    await page.waitForTimeout(ms);
    const said = await page.evaluate(() => document.documentElement.dataset.state);
    relay.restore();
    const back = await backAfter(page);
    t.check(`${name} of ${ms / 1000} s`, back < BACK_MS, `back in ${back} ms, meanwhile ${said}`);
    await stateIs(page, "live");
    await page.waitForTimeout(1500);
  }

  relay.cut();
  await page.context().setOffline(true);
  await page.waitForTimeout(4000);
  relay.restore();
  await page.context().setOffline(false);
  let back = await backAfter(page);
  t.check("an outage that the browser reports as offline", back < BACK_MS, `back in ${back} ms`);
  await page.waitForTimeout(1500);

  relay.move();
  // Pictures that were already on their way do not count.
  await page.waitForTimeout(200);
  back = 200 + (await backAfter(page));
  t.check("a changed network address", back < BACK_MS, `picture after ${back} ms`);
  await page.waitForTimeout(1500);
  t.check("all of that in one session", sessions() === 1, sessions());

  relay.cut();
  await page.waitForTimeout(29000);
  relay.restore();
  back = await backAfter(page);
  t.check("an outage longer than the session's timeout", back < BACK_MS, `back in ${back} ms`);
}

// Milliseconds from now to the next picture.
function backAfter(page) {
  const began = Date.now();
  return page.evaluate(
    (since) =>
      new Promise((done) => {
        const video = document.querySelector("#video");
        video.requestVideoFrameCallback(() => done(Date.now() - since));
        setTimeout(() => done(Infinity), 20000);
      }),
    began,
  );
}
