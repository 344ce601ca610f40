import { inspect, themed, violations } from "../harness/axe.mjs";
import { boothPage, choosePhoto, screen, withMock } from "../harness/booth.mjs";
import { stateIs } from "../harness/eyes.mjs";

export const title = "axe-core finds nothing against WCAG 2 A and AA, nor outside of landmarks";

export const limitMs = 600000; // 40 looks, a few seconds each beside a build

const THEMES = ["dark", "light", "sunlight"];

export async function run(t) {
  await findsViolations(t);
  await withMock(t, async (mock) => {
    for (const theme of THEMES) {
      // In parallel, because most of the time is spent waiting.
      await Promise.all([viewer(t, mock, theme), booth(t, mock, theme)]);
      await others(t, mock, theme);
    }
  });
}

// Proves that violations are found at all.
async function findsViolations(t) {
  const page = await t.page({ address: null });
  await page.setContent('<html lang="en"><title>x</title><h1>outside</h1><main><p style="color:#999">pale</p><img src="x"><button></button></main>');
  const found = await violations(page);
  const all = ["button-name", "color-contrast", "image-alt", "region"].every((rule) => found.some((line) => line.startsWith(rule)));
  t.check("violations are detected", all, found.join("; "));
}

async function viewer(t, mock, theme) {
  const page = await t.page({ address: mock.url, ...themed(theme) });
  await stateIs(page, "live");
  await page.keyboard.press("s");
  await page.waitForTimeout(500);
  await inspect(t, page, `${theme}: /`);
  await page.keyboard.press("m");
  await page.waitForSelector("#moment .card");
  await inspect(t, page, `${theme}: the styles over it`);
}

async function booth(t, mock, theme) {
  const page = await boothPage(t, mock, themed(theme));
  await inspect(t, page, `${theme}: /booth`);
  await choosePhoto(page);
  await inspect(t, page, `${theme}: its styles`);
  if (theme === "sunlight") await t.shot(page, "booth-style-sunlight");
  mock.booth.held = true;
  await page.tap("#make");
  await screen(page, "work");
  await inspect(t, page, `${theme}: its progress`);
  mock.booth.held = false;
  await screen(page, "done");
  await inspect(t, page, `${theme}: its result`);
  if (theme === "sunlight") await t.shot(page, "booth-done-sunlight");
  await page.tap("#remove");
  await inspect(t, page, `${theme}: its question`);
  await page.tap("#keep");
  await page.tap("#another-picture");
  mock.booth.refuse = [{ status: 415, error: "this is HEIC" }];
  await choosePhoto(page);
  await page.tap("#make");
  await screen(page, "trouble");
  await inspect(t, page, `${theme}: its refusal`);
  await page.tap("#trouble-picture");
  await page.tap("#use-live");
  await page.waitForSelector("#live:not([hidden])");
  await inspect(t, page, `${theme}: the live picture`);
}

async function others(t, mock, theme) {
  const { jobs } = mock.booth;
  if (mock.booth.gallery.length === 0) mock.booth.addShown([...jobs.values()].find(({ state }) => state === "done"));
  const gallery = await t.page({ address: `${mock.url}gallery`, ...themed(theme) });
  await gallery.waitForSelector("#grid img");
  await gallery.click("#admin summary");
  await inspect(t, gallery, `${theme}: /gallery`);
  await gallery.click(".thumb");
  await inspect(t, gallery, `${theme}: a picture, large`);
  const show = await t.page({ address: `${mock.url}gallery?slideshow`, ...themed(theme) });
  await show.waitForSelector(".slide.on");
  await inspect(t, show, `${theme}: the slideshow`);
  const join = await t.page({ address: `${mock.url}join`, ...themed(theme) });
  await join.waitForSelector("#wifi:not([hidden])");
  await inspect(t, join, `${theme}: /join`);
  const play = await t.page({ address: `${mock.url}play`, ...themed(theme) });
  await play.waitForSelector(".game");
  await inspect(t, play, `${theme}: /play`);
  const docs = await t.page({ address: `${mock.url}api/docs`, ...themed(theme) });
  await docs.click("#put-api-shutter summary");
  await inspect(t, docs, `${theme}: /api/docs`);
  const camera = await t.page({ address: `${mock.url}camera`, ...themed(theme) });
  await inspect(t, camera, `${theme}: /camera`);
}
