import { stateIs, visibleText } from "../harness/eyes.mjs";

export const title = "the page reconnects after restarts of the station";

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  await page.waitForTimeout(500);

  let began = Date.now();
  await t.station.kill();
  await stateIs(page, "reconnecting", 6000);
  t.check("a killed station is noticed within 3.5 s", Date.now() - began < 3500, `${Date.now() - began} ms`);
  const words = await visibleText(page, "#centre-words");
  t.check("the page says that it reconnects", words === "Connection lost. Trying again.", words);
  await page.waitForTimeout(600);
  await t.shot(page, "lost");
  await page.waitForTimeout(3000);

  await t.station.start();
  began = Date.now();
  await stateIs(page, "live", 8000);
  t.check("live again within 2.5 s of the start", Date.now() - began < 2500, `${Date.now() - began} ms`);

  await t.station.kill();
  await t.station.start();
  began = Date.now();
  await page.waitForFunction(() => document.documentElement.dataset.state !== "live", null, {
    timeout: 6000,
  });
  await stateIs(page, "live", 8000);
  t.check("live again within 5 s of a quick restart", Date.now() - began < 5000, `${Date.now() - began} ms`);

  // The other station has no signals.
  if (t.station.kind === "carrier") await stops(t, page);

  await t.station.pause(true);
  try {
    await stateIs(page, "reconnecting", 6000);
    t.check("a frozen station is noticed", true);
  } finally {
    await t.station.pause(false);
  }
  await stateIs(page, "live", 12000);
  t.check("live again after the freeze", true);
}

// The station ends as a service manager ends it.
async function stops(t, page) {
  await page.waitForTimeout(500);
  let began = Date.now();
  const ended = t.station.end();
  await page.waitForFunction(
    () => document.querySelector("#centre-words").textContent.startsWith("The station restarts."),
    null,
    { timeout: 5000 },
  );
  t.check("the page says within 1.5 s that the station restarts", Date.now() - began < 1500, `${Date.now() - began} ms`);
  await t.shot(page, "restarting");
  await ended;
  t.check("the station ends within 5 s", Date.now() - began < 5000, `${Date.now() - began} ms`);
  await page.waitForTimeout(1000);
  const words = await visibleText(page, "#centre-words");
  t.check("the page still says so when nobody answers", words.startsWith("The station restarts."), words);
  await t.station.start();
  began = Date.now();
  await stateIs(page, "live", 10000);
  t.check("live again within 5 s, without a click", Date.now() - began < 5000, `${Date.now() - began} ms`);
}
