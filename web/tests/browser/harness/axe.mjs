// axe-core over a page as it stands.

import { createRequire } from "node:module";

const { source } = createRequire(import.meta.url)("axe-core");

// Options of a page in one of the themes dark, light and sunlight.
export function themed(theme) {
  return {
    colorScheme: theme === "dark" ? "dark" : "light",
    reducedMotion: "reduce", // no colour in the middle of a fade
    before: (page) =>
      page.addInitScript((sunlight) => {
        localStorage.setItem("carrier.sunlight", sunlight ? "1" : "0");
        Object.defineProperty(navigator, "mediaDevices", { value: undefined });
      }, theme === "sunlight"),
  };
}

export async function inspect(t, page, name) {
  // Contrast is measured after all finite animations.
  await page.evaluate(() => {
    const ending = document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity);
    return Promise.all(ending.map((animation) => animation.finished.catch(() => {})));
  });
  const found = await violations(page);
  t.check(name, found.length === 0, found.join("; "));
}

export async function violations(page) {
  await page.evaluate(source);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await globalThis.axe.run(document, { runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  });
}
