import { stateIs } from "../harness/eyes.mjs";

export const title = "the dark, light and sunlight themes";

export async function run(t) {
  for (const colorScheme of ["dark", "light"]) {
    const page = await t.page({ colorScheme });
    await stateIs(page, "live");
    await page.waitForTimeout(800);
    await page.mouse.move(200, 400);
    await page.waitForTimeout(400);
    await t.shot(page, `laptop-${colorScheme}`);
    await contrasts(t, page, colorScheme);
    if (colorScheme === "dark") {
      await page.keyboard.press("s");
      await page.waitForTimeout(4500);
      await t.shot(page, "statistics");
    }
  }

  const page = await t.page({ colorScheme: "dark" });
  await stateIs(page, "live");
  await page.keyboard.press("l");
  await page.keyboard.press("s");
  await page.waitForTimeout(2000);
  await contrasts(t, page, "sunlight");
  await t.shot(page, "sunlight");
  await page.reload();
  await stateIs(page, "live");
  const kept = await page.evaluate(() => ({
    theme: document.documentElement.dataset.theme,
    pressed: document.getElementById("button-sunlight").getAttribute("aria-pressed"),
    bar: document.querySelector('meta[name="theme-color"]').content,
  }));
  const remembered = kept.theme === "sunlight" && kept.pressed === "true" && kept.bar === "#ffffff";
  t.check("a reload keeps the sunlight theme", remembered, JSON.stringify(kept));
  await page.keyboard.press("l");
  t.check("the sunlight theme can be left", await page.evaluate(() => !document.documentElement.dataset.theme));
}

// The contrast of text on translucent panels, over a black and over a white picture.
async function contrasts(t, page, theme) {
  const worst = await page.evaluate(() => {
    const numbers = (text) => text.match(/[\d.]+%?/g).map((n) => parseFloat(n));
    const channel = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) =>
      0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((v, at) => v * a + under[at] * (1 - a));
    const ratio = (one, two) => {
      const [high, low] = [light(one), light(two)].sort((a, b) => b - a);
      return (high + 0.05) / (low + 0.05);
    };
    const behind = (element, under) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        if (at.matches("#picture, body")) break;
        layers.unshift(numbers(getComputedStyle(at).backgroundColor));
      }
      return layers.reduce((ground, layer) => over(layer, ground), under);
    };
    const texts = [...document.querySelectorAll("#badge span, #dock span, dt, dd, .notice span")];
    const found = texts
      .filter((e) => e.checkVisibility())
      .flatMap((element) =>
        [
          [0, 0, 0],
          [255, 255, 255],
        ].map((under) => ({
          ratio: ratio(numbers(getComputedStyle(element).color), behind(element, under)),
          text: element.textContent,
        })),
      );
    return found.sort((a, b) => a.ratio - b.ratio)[0];
  });
  t.check(
    `${theme}: text has enough contrast`,
    worst.ratio >= 4.5,
    `worst ${worst.ratio.toFixed(1)} "${worst.text}"`,
  );
}
