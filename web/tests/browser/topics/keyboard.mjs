import { stateIs } from "../harness/eyes.mjs";

export const title = "by keyboard alone";

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  const order = [];
  for (let stop = 0; stop < 5; stop += 1) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.id.replace("button-", "")));
  }
  const wanted = "statistics snapshot stylise sunlight fullscreen";
  t.check("Tab walks the dock", order.join(" ") === wanted, order.join(" "));
  const ring = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return `${style.outlineStyle} ${style.outlineWidth}`;
  });
  t.check("the focus is seen", ring === "solid 3px", ring);
  await t.shot(page, "focus");
  await page.waitForTimeout(3600);
  t.check("and its button does not step back", !(await steppedBack(page)));
  await page.evaluate(() => document.activeElement.blur());
  await page.waitForTimeout(3600);
  t.check("everything steps back when nobody touches", await steppedBack(page));
  await page.waitForTimeout(400);
  await t.shot(page, "nobody-touches");
  await page.keyboard.press("Shift");
  t.check("any key brings it back", !(await steppedBack(page)));

  await page.keyboard.press("s");
  const open = () => page.evaluate(() => !document.getElementById("statistics").hidden);
  t.check("s opens the statistics", await open());
  await page.keyboard.press("Escape");
  t.check("Escape shuts them", !(await open()));
  await page.focus("#button-statistics");
  await page.keyboard.press("Space");
  t.check("Space presses the button that has the focus", await open());

  const inside = () => page.evaluate(() => Boolean(document.fullscreenElement));
  await page.keyboard.press("f");
  await page.waitForTimeout(600);
  t.check("f fills the screen", await inside());
  await page.keyboard.press("f");
  await page.waitForTimeout(600);
  t.check("and leaves it", !(await inside()));

  const download = page.waitForEvent("download", { timeout: 5000 });
  await page.keyboard.press("p");
  const name = (await download).suggestedFilename();
  t.check("p saves a picture", /^carrier-\d{8}-\d{6}\.jpg$/.test(name), name);
}

function steppedBack(page) {
  return page.evaluate(() => document.documentElement.classList.contains("stepped-back"));
}
