import { devices } from "playwright-core";
import { stateIs } from "../harness/eyes.mjs";

export const title = "the live page on a phone";

const SMALLEST_PX = 48;

export async function run(t) {
  const phone = { ...devices["iPhone 13"], defaultBrowserType: undefined };
  const page = await t.page({ ...phone, viewport: { width: 390, height: 844 } });
  await stateIs(page, "live");
  await page.waitForTimeout(700);
  await sizes(t, page, "upright");
  await t.shot(page, "phone-portrait");

  await page.touchscreen.tap(195, 300);
  await page.locator("#button-statistics").tap();
  await page.waitForTimeout(2300);
  const covered = await page.evaluate(() => {
    const panel = document.getElementById("statistics").getBoundingClientRect();
    return { left: panel.left, right: innerWidth - panel.right, bottom: panel.bottom };
  });
  const inside = covered.left >= 8 && covered.right >= 8 && covered.bottom < 844;
  t.check("the statistics fit", inside, JSON.stringify(covered));
  await t.shot(page, "phone-statistics");
  await page.locator("#button-statistics").tap();

  await page.setViewportSize({ width: 844, height: 390 });
  await page.waitForTimeout(300);
  await sizes(t, page, "on its side");
  await t.shot(page, "phone-landscape");

  await page.setViewportSize({ width: 320, height: 568 });
  await page.waitForTimeout(300);
  await sizes(t, page, "the smallest");
  await t.shot(page, "phone-smallest");
}

async function sizes(t, page, what) {
  const found = await page.evaluate(() => {
    const controls = [...document.querySelectorAll("button, a[href]")].filter((e) =>
      e.checkVisibility(),
    );
    const boxes = controls.map((control) => control.getBoundingClientRect());
    const video = document.querySelector("#video").getBoundingClientRect();
    return {
      count: boxes.length,
      smallest: Math.min(...boxes.flatMap((box) => [box.width, box.height])),
      outside: boxes.some(
        (b) => b.left < 0 || b.top < 0 || b.right > innerWidth || b.bottom > innerHeight,
      ),
      reach: Math.min(...boxes.map((box) => box.bottom)) / innerHeight,
      scrolls:
        document.documentElement.scrollWidth > innerWidth ||
        document.documentElement.scrollHeight > innerHeight,
      fills: video.width === innerWidth && video.height === innerHeight,
    };
  });
  const { count, smallest, outside, scrolls, fills, reach } = found;
  t.check(`${what}: targets are large enough`, count >= 3 && smallest >= SMALLEST_PX && !outside, `${smallest} px`);
  t.check(`${what}: the picture fills the page without scrolling`, !scrolls && fills);
  if (what !== "on its side") t.check(`${what}: the controls are in reach of a thumb`, reach > 0.8, reach.toFixed(2));
}
