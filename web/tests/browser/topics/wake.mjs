import { randomUUID } from "node:crypto";
import { PHONE, withMock } from "../harness/booth.mjs";
import { stateIs } from "../harness/eyes.mjs";

export const title = "a touch that shows hidden controls presses nothing, and controls beside the picture stay";

export const limitMs = 300000;

const LANDSCAPE = { ...PHONE, viewport: { width: 844, height: 390 } };
const DOCK = ["statistics", "snapshot", "stylise", "sunlight", "fullscreen"];

export async function run(t) {
  await landscape(t);
  await portrait(t);
  await turned(t);
  await mouse(t);
  await withMock(t, (mock) => slideshow(t, mock));
}

function stepsBack(page) {
  return page.waitForSelector(":root.stepped-back", { state: "attached", timeout: 15000 });
}

function isBack(page) {
  return page.waitForSelector(":root:not(.stepped-back)", { state: "attached", timeout: 5000 }).then(
    () => true,
    () => false,
  );
}

// Records the presses of buttons instead of their effects.
async function notePresses(page) {
  await page.evaluate(() => {
    globalThis.pressed = [];
    for (const button of document.querySelectorAll("#dock button, #dock a")) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        event.stopImmediatePropagation();
        globalThis.pressed.push(button.id.replace("button-", ""));
      }, { capture: true });
    }
  });
  // Gives what was pressed since the last call; waits for a press if one is expected.
  return async ({ expected = true } = {}) => {
    if (expected) await page.waitForFunction(() => globalThis.pressed.length > 0, null, { timeout: 5000 }).catch(() => {});
    return page.evaluate(() => globalThis.pressed.splice(0).join(" "));
  };
}

async function middle(page, selector) {
  const box = await page.locator(selector).boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

async function landscape(t) {
  const page = await t.page(LANDSCAPE);
  await stateIs(page, "live");
  const pressed = await notePresses(page);
  for (const name of DOCK) {
    await stepsBack(page);
    await page.waitForTimeout(300);
    const place = await middle(page, `#button-${name}`);
    await page.touchscreen.tap(...place);
    const awake = await isBack(page);
    await page.waitForTimeout(100);
    const first = await pressed({ expected: false });
    t.check(`${name}: the first touch only shows the controls`, first === "" && awake, first);
    await page.touchscreen.tap(...place);
    const second = await pressed();
    t.check("  the second touch presses", second === name, second);
    await page.evaluate(() => document.activeElement.blur());
  }
  await stepsBack(page);
  await page.touchscreen.tap(300, 200);
  t.check("a touch on the picture shows the controls", await isBack(page));
  await page.touchscreen.tap(...(await middle(page, "#button-statistics")));
  const after = await pressed();
  t.check("the next touch presses", after === "statistics", after);
}

async function portrait(t) {
  const page = await t.page(PHONE);
  await stateIs(page, "live");
  const pressed = await notePresses(page);
  await stepsBack(page);
  await page.waitForTimeout(400);
  const seen = await page.evaluate(() =>
    ["badge", "dock"].map((id) => getComputedStyle(document.getElementById(id)).opacity).join(" "),
  );
  t.check("in portrait the controls beside the picture stay", seen === "1 1", seen);
  await t.shot(page, "wake-portrait");
  await page.touchscreen.tap(...(await middle(page, "#button-snapshot")));
  const at = await pressed();
  t.check("in portrait the first touch presses", at === "snapshot", at);
}

async function turned(t) {
  const page = await t.page(PHONE);
  await stateIs(page, "live");
  await stepsBack(page);
  await page.setViewportSize({ width: 844, height: 390 });
  await page.waitForFunction(() => getComputedStyle(document.getElementById("dock")).opacity === "0");
  t.check("turned to landscape the controls over the picture hide", true);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForFunction(() => getComputedStyle(document.getElementById("dock")).opacity === "1");
  t.check("turned back to portrait they are shown", true);
}

async function mouse(t) {
  const page = await t.page();
  await stateIs(page, "live");
  const pressed = await notePresses(page);
  await stepsBack(page);
  await page.mouse.move(...(await middle(page, "#button-statistics")));
  await page.mouse.down();
  await page.mouse.up();
  const at = await pressed();
  t.check("a mouse click presses, since moving shows the controls", at === "statistics", at);
  await page.mouse.move(300, 300);
  await page.evaluate(() => document.activeElement.blur());
  await stepsBack(page);
  await page.keyboard.press("s");
  const open = await page.waitForSelector("#statistics", { timeout: 5000 }).then(() => true, () => false);
  const key = await pressed({ expected: false });
  t.check("keys work while the controls are hidden", open && key === "", key);
}

async function slideshow(t, mock) {
  const result = Buffer.from(await (await fetch(`${mock.url}snapshot.jpg`)).arrayBuffer());
  mock.booth.addShown({ id: randomUUID(), style: "pencil", made_by: "laptop", result });
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery?slideshow` });
  await page.waitForSelector(".slide.on");
  await page.waitForSelector("#leave");
  t.check("a slideshow has a link that leaves it", await page.isVisible("#leave"));
  await stepsBack(page);
  await page.waitForFunction(() => getComputedStyle(document.getElementById("show-tools")).opacity === "0");
  t.check("that link hides without input", true);
  const place = await middle(page, "#leave");
  await page.touchscreen.tap(...place);
  await page.waitForTimeout(300);
  t.check("the first touch only shows the link", page.url().endsWith("slideshow"), page.url());
  await page.touchscreen.tap(...place);
  await page.waitForSelector("#grid img");
  t.check("the second touch leaves", /\/gallery$/.test(page.url()), page.url());
  const kiosk = await t.page({ address: `${mock.url}gallery?slideshow` });
  await kiosk.waitForSelector(".slide.on");
  await kiosk.keyboard.press("Escape");
  await kiosk.waitForSelector("#grid img");
  t.check("Escape leaves", true);
  const full = await t.page({ address: `${mock.url}gallery?slideshow` });
  await full.waitForSelector(".slide.on");
  await full.click("#show");
  t.check("a click shows the way back, in words", /Leave the slideshow/.test(await full.innerText("#leave")));
  await full.click("#fill");
  await full.waitForFunction(() => document.fullscreenElement !== null);
  t.check("full screen is a button of its own", await full.isHidden("#fill"));
  // What Escape does there is the browser's.
  await full.evaluate(() => document.exitFullscreen());
  await full.waitForSelector("#grid img");
  t.check("leaving full screen leaves the slideshow", /\/gallery$/.test(full.url()), full.url());
}
