import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { PHONE, fits, says, withMock } from "../harness/booth.mjs";

export const title = "the gallery, its slideshow, and what its owner may";
export const limitMs = 180000;

export async function run(t) {
  if (t.real) await program(t);
  await withMock(t, async (mock) => {
    await empty(t, mock);
    const picture = Buffer.from(await (await fetch(`${mock.url}snapshot.jpg`)).arrayBuffer());
    const add = (style, made_by = "laptop") =>
      mock.booth.addShown({ id: randomUUID(), style, made_by, result: picture });
    for (let count = 0; count < 5; count += 1) add(["pencil", "claymation"][count % 2]);
    await grid(t, mock);
    await owner(t, mock);
    await slideshow(t, mock, add);
  });
}

// The program itself: shown, hidden and deleted.
async function program(t) {
  const file = path.join(t.out, "home", "state", "carrier", "admin-token");
  const token = (await readFile(file, "utf8")).trim();
  const page = await t.page({ ...PHONE, address: `${t.station.url}booth` });
  await page.evaluate(async () => {
    const [{ id: style }] = (await (await fetch("/api/styles")).json()).styles;
    const form = new FormData();
    form.append("style", style);
    form.append("share", "true");
    const { url } = await (await fetch("/api/stylise", { method: "POST", body: form })).json();
    while ((await (await fetch(url)).json()).state !== "done") await new Promise((done) => setTimeout(done, 200));
  });
  await page.goto(`${t.station.url}gallery`);
  await page.waitForFunction(() => document.querySelector("#grid img")?.naturalWidth > 0);
  t.check("what a visitor agreed to show is there", true);
  await page.tap("#admin summary");
  await page.fill("#admin-token", token);
  await page.keyboard.press("Enter");
  const tools = page.locator("#grid li").first().locator(".tools button");
  await tools.first().tap();
  await page.waitForSelector(".is-hidden");
  t.check("hidden by the owner", true);
  const count = await page.locator("#grid li").count();
  await tools.last().tap();
  await tools.last().tap();
  await page.waitForFunction((n) => document.querySelectorAll("#grid li").length === n - 1, count);
  t.check("and deleted", true);
}

async function empty(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  t.check("empty, it says so", await says(page, "#empty", /Nobody shows/));
  t.check("and leads to the booth", await page.isVisible("#to-booth"));
  await t.shot(page, "gallery-empty");
}

async function grid(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  await page.waitForSelector("#grid li");
  t.check("a picture each", (await page.locator("#grid li").count()) === 5);
  await page.waitForTimeout(300);
  const { ok, detail } = await fits(page);
  t.check("fits a phone", ok, detail);
  await t.shot(page, "gallery-phone");
  const alt = await page.getAttribute("#grid img", "alt");
  t.check("with words", /Pencil sketch · .*made on this laptop/.test(alt), alt);
  t.check("nobody is offered to hide others' pictures", (await page.locator("#grid .tools").count()) === 0);
  await page.locator(".thumb").nth(1).tap();
  t.check("one of them large", await says(page, "#large-words", /Claymation/));
  await t.shot(page, "gallery-large");
  await page.keyboard.press("ArrowRight");
  t.check("the keyboard turns", await says(page, "#large-words", /Pencil/));
  await page.keyboard.press("Escape");
  t.check("Escape shuts it", await page.isHidden("#lightbox"));
  const back = await page.evaluate(() => document.activeElement.className);
  t.check("and the focus is back", back === "thumb", back);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForTimeout(150);
  await t.shot(page, "gallery-laptop");
  t.check("no complaints from the browser", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function owner(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  await page.waitForSelector("#grid li");
  await page.tap("#admin summary");
  await page.fill("#admin-token", "wrong");
  await page.keyboard.press("Enter");
  t.check("a wrong token is said", await says(page, "#admin-said", /not right/));
  await page.fill("#admin-token", "let-me-rule");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#grid .tools");
  t.check("the right one is not kept in the page", (await page.inputValue("#admin-token")) === "");
  await page.locator("#grid .tools button").first().tap();
  await page.waitForSelector(".is-hidden");
  t.check("hidden: the owner still sees it", (await page.locator("#grid li").count()) === 5);
  await t.shot(page, "gallery-owner");
  const stranger = await t.page({ address: `${mock.url}gallery` });
  await stranger.waitForSelector("#grid li");
  t.check("and nobody else does", (await stranger.locator("#grid li").count()) === 4);
  await page.reload();
  await page.waitForSelector(".is-hidden .tools");
  t.check("admitted after a reload", true);
  await page.locator("text=Show").first().tap();
  await page.waitForFunction(() => !document.querySelector(".is-hidden"));
  const remove = page.locator("#grid li").first().locator("text=Delete");
  await remove.tap();
  t.check("deleting wants a second press", mock.booth.gallery.length === 5);
  await page.locator("text=Sure?").tap();
  await page.waitForFunction(() => document.querySelectorAll("#grid li").length === 4);
  t.check("then it is gone", mock.booth.gallery.length === 4);
  await page.tap("#admin summary");
  await page.tap("#admin-leave");
  await page.waitForFunction(() => !document.querySelector("#grid .tools"));
  t.check("left again", true);
}

async function slideshow(t, mock, add) {
  const page = await t.page({ address: `${mock.url}gallery?slideshow` });
  await page.waitForSelector(".slide.on");
  t.check("the kiosk shows a picture and what it is", await says(page, "#show-words", /sketch|Claymation/));
  const code = await page.evaluate(() => {
    const box = document.getElementById("invite").getBoundingClientRect();
    return { side: box.width, inside: box.right <= innerWidth && box.bottom <= innerHeight };
  });
  t.check("with the code of the booth", code.side >= 110 && code.inside, JSON.stringify(code));
  await page.waitForTimeout(1400);
  await t.shot(page, "gallery-slideshow");
  add("painting");
  // Asked every 10 s, shown in its turn of 7 s.
  t.check("a new picture comes in by itself", await says(page, "#show-words", /Oil painting/, 40000));
  mock.booth.gallery = [];
  t.check("and an empty wall invites", await says(page, "#show-words", /Nobody/, 15000));
  await t.shot(page, "gallery-slideshow-empty");
}
