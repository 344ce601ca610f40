// Draws the PNG icons from web/pages/icons/mark.svg. Run by hand when the mark changes:
//
//   node draw_icons.mjs

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launchChromium } from "./harness/browser.mjs";

const ICONS = new URL("../../pages/icons/", import.meta.url);
// `margin` is a share of the side: a maskable icon has its drawing within a circle of 80 %.
const SIZES = [
  { name: "mark-192", side: 192, round: true, margin: 0 },
  { name: "mark-512", side: 512, round: true, margin: 0 },
  { name: "maskable-512", side: 512, round: false, margin: 0.12 },
  { name: "apple-touch-icon", side: 180, round: false, margin: 0.05 },
];

const mark = await readFile(new URL("mark.svg", ICONS), "utf8");
const browser = await launchChromium();
for (const { name, side, round, margin } of SIZES) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  const inside = side * (1 - 2 * margin);
  const svg = mark
    .replace("<svg ", `<svg width="${inside}" height="${inside}" `)
    .replace('rx="8"', round ? 'rx="8"' : 'rx="0"');
  await page.setContent(
    `<body style="margin:0;padding:${side * margin}px;background:${round ? "transparent" : "#0b0b0c"}">${svg}`,
  );
  await page.screenshot({
    path: fileURLToPath(new URL(`${name}.png`, ICONS)),
    omitBackground: true,
    clip: { x: 0, y: 0, width: side, height: side },
  });
  await page.close();
}
await browser.close();
