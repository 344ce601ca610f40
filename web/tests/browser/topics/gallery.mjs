import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { PHONE, fits, says, withMock } from "../harness/booth.mjs";

export const title = "the gallery, its slideshow, and its administration";
export const limitMs = 300000;

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

// Against the program: sharing, hiding and deleting.
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
  t.check("a shared result is in the gallery", true);
  await page.tap("#admin summary");
  await page.fill("#admin-token", token);
  await page.keyboard.press("Enter");
  const tools = page.locator("#grid li").first().locator(".tools button");
  await tools.first().tap();
  await page.waitForSelector(".is-hidden");
  t.check("the owner can hide it", true);
  const count = await page.locator("#grid li").count();
  await tools.last().tap();
  await tools.last().tap();
  await page.waitForFunction((n) => document.querySelectorAll("#grid li").length === n - 1, count);
  t.check("the owner can delete it", true);
}

async function empty(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  t.check("an empty gallery is explained", await says(page, "#empty", /Nobody shows/));
  t.check("an empty gallery links to the booth", await page.isVisible("#to-booth"));
  await t.shot(page, "gallery-empty");
}

async function grid(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  await page.waitForSelector("#grid li");
  t.check("each picture has an entry", (await page.locator("#grid li").count()) === 5);
  await page.waitForTimeout(300);
  const { ok, detail } = await fits(page);
  t.check("the grid fits a phone", ok, detail);
  await t.shot(page, "gallery-phone");
  const alt = await page.getAttribute("#grid img", "alt");
  t.check("a picture has alternative text", /Pencil sketch · .*made on this laptop/.test(alt), alt);
  t.check("visitors have no tools", (await page.locator("#grid .tools").count()) === 0);
  await page.locator(".thumb").nth(1).tap();
  t.check("a picture opens large", await says(page, "#large-words", /Claymation/));
  await t.shot(page, "gallery-large");
  await page.keyboard.press("ArrowRight");
  t.check("arrow keys turn", await says(page, "#large-words", /Pencil/));
  await page.keyboard.press("Escape");
  t.check("Escape closes the large picture", await page.isHidden("#lightbox"));
  const back = await page.evaluate(() => document.activeElement.className);
  t.check("the focus returns to the thumbnail", back === "thumb", back);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForTimeout(150);
  await t.shot(page, "gallery-laptop");
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function owner(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  await page.waitForSelector("#grid li");
  await page.tap("#admin summary");
  await page.fill("#admin-token", "wrong");
  await page.keyboard.press("Enter");
  t.check("a wrong token is reported", await says(page, "#admin-said", /not right/));
  await page.fill("#admin-token", "let-me-rule");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#grid .tools");
  t.check("the right token is not kept in the page", (await page.inputValue("#admin-token")) === "");
  await page.locator("#grid .tools button").first().tap();
  await page.waitForSelector(".is-hidden");
  t.check("the owner still sees a hidden picture", (await page.locator("#grid li").count()) === 5);
  await t.shot(page, "gallery-owner");
  const stranger = await t.page({ address: `${mock.url}gallery` });
  await stranger.waitForSelector("#grid li");
  t.check("visitors do not see a hidden picture", (await stranger.locator("#grid li").count()) === 4);
  await page.reload();
  await page.waitForSelector(".is-hidden .tools");
  t.check("a reload keeps the owner logged in", true);
  await page.locator("text=Show").first().tap();
  await page.waitForFunction(() => !document.querySelector(".is-hidden"));
  const remove = page.locator("#grid li").first().locator("text=Delete");
  await remove.tap();
  t.check("deleting needs a second press", mock.booth.gallery.length === 5);
  await page.locator("text=Sure?").tap();
  await page.waitForFunction(() => document.querySelectorAll("#grid li").length === 4);
  t.check("the second press deletes", mock.booth.gallery.length === 4);
  await page.tap("#admin summary");
  await page.tap("#admin-leave");
  await page.waitForFunction(() => !document.querySelector("#grid .tools"));
  t.check("the owner can log out", true);
}

async function slideshow(t, mock, add) {
  const page = await t.page({ address: `${mock.url}gallery?slideshow` });
  await page.waitForSelector(".slide.on");
  t.check("the slideshow shows a picture with its caption", await says(page, "#show-words", /sketch|Claymation/));
  const code = await page.evaluate(() => {
    const box = document.getElementById("invite").getBoundingClientRect();
    return { side: box.width, inside: box.right <= innerWidth && box.bottom <= innerHeight };
  });
  t.check("the slideshow shows the booth's code", code.side >= 110 && code.inside, JSON.stringify(code));
  await page.waitForTimeout(1400);
  await t.shot(page, "gallery-slideshow");
  add("painting");
  // The list is fetched every 10 s, and each picture shown for 7 s.
  t.check("the slideshow shows a new picture", await says(page, "#show-words", /Oil painting/, 40000));
  mock.booth.gallery = [];
  t.check("an empty slideshow is explained", await says(page, "#show-words", /Nobody/, 15000));
  await t.shot(page, "gallery-slideshow-empty");
}
