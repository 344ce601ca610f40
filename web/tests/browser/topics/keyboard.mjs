import { stateIs } from "../harness/eyes.mjs";

export const title = "keyboard only";

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  const order = [];
  for (let stop = 0; stop < 9; stop += 1) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.id.replace(/button-|link-/, "")));
  }
  const wanted = "play booth gallery join statistics snapshot stylise sunlight fullscreen";
  t.check("Tab moves through the links and the dock", order.join(" ") === wanted, order.join(" "));
  const ring = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return `${style.outlineStyle} ${style.outlineWidth}`;
  });
  t.check("the focus ring is visible", ring === "solid 3px", ring);
  await t.shot(page, "focus");
  await page.waitForTimeout(3600);
  t.check("a focused button stays visible", !(await steppedBack(page)));
  await page.evaluate(() => document.activeElement.blur());
  const stepsBack = page.waitForSelector(":root.stepped-back", { state: "attached", timeout: 10000 });
  t.check("the controls hide without input", await stepsBack.then(() => true, () => false));
  await page.waitForTimeout(400);
  await t.shot(page, "nobody-touches");
  await page.keyboard.press("Shift");
  t.check("any key shows the controls", !(await steppedBack(page)));

  await page.keyboard.press("s");
  const open = () => page.evaluate(() => !document.getElementById("statistics").hidden);
  t.check("S opens the statistics", await open());
  await page.keyboard.press("Escape");
  t.check("Escape closes the statistics", !(await open()));
  await page.focus("#button-statistics");
  await page.keyboard.press("Space");
  t.check("Space presses the focused button", await open());

  const becomesFullscreen = (wanted) =>
    page.waitForFunction((full) => Boolean(document.fullscreenElement) === full, wanted, { timeout: 5000 }).then(
      () => true,
      () => false,
    );
  await page.keyboard.press("f");
  t.check("F enters full screen", await becomesFullscreen(true));
  await page.keyboard.press("f");
  t.check("F leaves full screen", await becomesFullscreen(false));

  const download = page.waitForEvent("download", { timeout: 15000 });
  await page.keyboard.press("p");
  const name = (await download).suggestedFilename();
  t.check("P saves a snapshot", /^carrier-\d{8}-\d{6}\.jpg$/.test(name), name);
}

function steppedBack(page) {
  return page.evaluate(() => document.documentElement.classList.contains("stepped-back"));
}
