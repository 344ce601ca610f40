export const title = "the station's screen in a browser";

export async function run(t) {
  const page = await t.page({ address: `${t.station.url}screen?theme=bright`, viewport: { width: 1280, height: 800 } });
  await page.waitForSelector("#feed:not([hidden])");
  const shows = () => page.waitForFunction(() => document.getElementById("video").videoWidth > 0).then(() => true, () => false);
  t.check("the live picture is shown", await shows());
  const box = (name) => page.locator(name).boundingBox();
  const wide = await box("#feed");
  t.check("the picture fills the width", wide.width === 1280 && wide.x === 0, JSON.stringify(wide));
  await page.waitForTimeout(500);
  await t.shot(page, "screen-landscape");
  await page.keyboard.press("q");
  t.check("q shows the codes large", await page.waitForSelector("#feed", { state: "hidden" }).then(() => true, () => false));
  await t.shot(page, "screen-codes");
  await page.keyboard.press("q");
  await page.waitForSelector("#feed:not([hidden])");
  await page.setViewportSize({ width: 600, height: 960 });
  const isTall = () => page.waitForFunction(() => document.getElementById("feed").getBoundingClientRect().width === 600);
  t.check("a tall display has a layout of its own", await isTall().then(() => true, () => false));
  await page.keyboard.press("l");
  await page.waitForTimeout(800);
  await t.shot(page, "screen-portrait");
  t.check("it is above the codes", (await box("#feed")).y === 0);
}
