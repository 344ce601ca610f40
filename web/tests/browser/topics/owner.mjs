import { randomUUID } from "node:crypto";
import { inspect } from "../harness/axe.mjs";
import { PHONE, boothPage, choosePhoto, fits, photo, says, screen, withMock } from "../harness/booth.mjs";
import { layoutFaults } from "../harness/layout.mjs";

export const title = "what the owner does with shared pictures, and what visitors are told of it";
export const limitMs = 240000;

export async function run(t) {
  await withMock(t, async (mock) => {
    await approvesFirst(t, mock);
    await pauses(t, mock);
    await severalAtOnce(t, mock);
    await crops(t, mock);
  });
}

async function control(t, mock, options = {}) {
  mock.admin.reset();
  mock.admin.change("booth.approve_first", mock.booth.approvesFirst);
  const page = await t.page({ ...PHONE, address: null, ...options });
  await page.route(/\/(whep|stream\.mjpg)/, () => {});
  await page.goto(`${mock.url}admin#token=let-me-rule`);
  await page.waitForSelector("#control:not([hidden])");
  await page.waitForSelector("[data-key='booth.approve_first']", { state: "attached" });
  return page;
}

async function share(page) {
  await choosePhoto(page);
  await page.check("#agree");
  await page.tap("#make");
  await screen(page, "done");
}

async function approvesFirst(t, mock) {
  mock.booth.approvesFirst = true;
  const visitor = await boothPage(t, mock);
  await share(visitor);
  t.check("the visitor is told that the picture waits", await says(visitor, "#withheld", /waits for the host's approval/));
  t.check("and no link leads to it yet", await visitor.isHidden("#in-gallery"));
  await t.shot(visitor, "owner-visitor-waits");
  const other = await boothPage(t, mock);
  await share(other);
  const gallery = await t.page({ ...PHONE, address: `${mock.url}gallery` });
  t.check("nobody else sees it", await says(gallery, "#empty", /Nobody shows/));

  const owner = await control(t, mock);
  await owner.waitForSelector("#approvals img");
  t.check("the owner sees what waits", (await owner.locator("#approvals-list li").count()) === 2);
  t.check("it is spoken", /2 pictures wait/.test(await owner.textContent("#spoken")), await owner.textContent("#spoken"));
  const width = await owner.locator("#approvals img").first().evaluate((image) => image.clientWidth);
  t.check("large", width >= 280, width);
  await owner.locator("#approvals").scrollIntoViewIfNeeded();
  await t.shot(owner, "owner-approvals");
  await inspect(t, owner, "axe-core finds nothing on it");
  const { ok, detail } = await fits(owner, 43.5);
  t.check("it fits a phone", ok, detail);
  await owner.setViewportSize({ width: 1280, height: 800 });
  await t.shot(owner, "owner-approvals-desktop");
  await owner.setViewportSize(PHONE.viewport);
  // The oldest is first.
  await owner.locator("#approvals-list li").first().locator("text=Show it").tap();
  await owner.waitForFunction(() => document.querySelectorAll("#approvals-list li").length === 1);
  await owner.locator("#approvals-list li").first().locator("text=Do not show").tap();
  await owner.waitForSelector("#approvals", { state: "hidden" });
  t.check("one is shown, one refused", JSON.stringify(mock.booth.gallery.map(({ hidden }) => hidden)) === "[true,false]");
  t.check("the visitor's page offers the link by itself", await says(visitor, "#in-gallery", /gallery/, 15000));
  t.check("a refusal is told", await says(other, "#withheld", /does not show it/, 15000));
  await visitor.tap("#in-gallery");
  t.check("the link opens the picture in the gallery", await says(visitor, "#large-words", /·/));
  mock.booth.reset();
  mock.booth.paceMs = 60;
}

async function pauses(t, mock) {
  const visitor = await boothPage(t, mock);
  await choosePhoto(visitor);
  t.check("sharing is offered", await visitor.isVisible("#agree-line"));
  await visitor.tap("#make");
  await screen(visitor, "done");
  mock.booth.isPaused = true;
  await visitor.tap("#shown-line");
  t.check("a refusal is explained", await says(visitor, "#note-done", /no further pictures/));
  t.check("and the offer is gone", (await says(visitor, "#withheld", /paused sharing/)) && (await visitor.isHidden("#shown-line")));
  await t.shot(visitor, "owner-visitor-paused");
  const next = await boothPage(t, mock);
  await choosePhoto(next);
  t.check("the next visitor is told before", (await says(next, "#agree-paused", /paused sharing/)) && (await next.isHidden("#agree-line")));
  await t.shot(next, "owner-paused-style");
  mock.booth.reset();
  mock.booth.paceMs = 60;
}

async function severalAtOnce(t, mock) {
  const page = await t.page({ address: mock.url });
  const { buffer } = await photo(page, 400, 300);
  for (let count = 0; count < 5; count += 1) mock.booth.addShown({ id: randomUUID(), style: "pencil", made_by: "laptop", result: buffer });
  mock.booth.gallery[3].made_at_unix_ms -= 2 * 3600e3;
  mock.booth.gallery[4].made_at_unix_ms -= 30 * 3600e3;
  const owner = await control(t, mock);
  await owner.tap("#booth > summary");
  await owner.waitForSelector("#grid .pick");
  t.check("nothing is chosen at first", await owner.isDisabled("#bulk-erase"));
  await owner.selectOption("#bulk-choice", "older.1");
  t.check("those older than an hour", (await owner.textContent("#bulk-erase")) === "Delete 2");
  await owner.locator("#grid .pick").first().tap();
  t.check("and one more", (await owner.textContent("#bulk-hide")) === "Hide 3");
  await owner.locator("#bulk").scrollIntoViewIfNeeded();
  await t.shot(owner, "owner-bulk");
  await inspect(t, owner, "axe-core finds nothing on the tools");
  await owner.setViewportSize({ width: 320, height: 568 });
  const faults = await layoutFaults(owner);
  t.check("a small phone has room for the tools", faults.length === 0, faults.slice(0, 5).join("; "));
  await owner.setViewportSize({ width: 1280, height: 800 });
  await t.shot(owner, "owner-bulk-desktop");
  await owner.tap("#bulk-hide");
  await owner.waitForFunction(() => document.querySelectorAll("#grid .is-hidden").length === 3);
  await owner.selectOption("#bulk-choice", "all");
  await owner.tap("#bulk-erase");
  t.check("deleting asks once more", (await owner.textContent("#bulk-erase")) === "Really delete 5?" && mock.booth.gallery.length === 5);
  await owner.tap("#bulk-hide");
  t.check("another button takes the question back", (await owner.waitForFunction(() => !document.getElementById("bulk-erase").dataset.sure)) !== null);
  await owner.selectOption("#bulk-choice", "today");
  // One is gone by another hand.
  mock.booth.gallery.shift();
  await owner.tap("#bulk-erase");
  await owner.tap("#bulk-erase");
  t.check("what could not be done is told", await says(owner, "#news", /Done with \d of \d/));
  const { action, ids } = mock.booth.changes.at(-1);
  t.check("one request has all ids", action === "erase" && ids.length >= 3, JSON.stringify(mock.booth.changes.at(-1)));
  const save = await owner.getAttribute("#exports a", "href");
  t.check("the pictures can be saved", save === "api/admin/gallery.zip");
  mock.booth.reset();
  mock.booth.paceMs = 60;
}

async function crops(t, mock) {
  const page = await t.page({ ...PHONE, address: mock.url });
  const { buffer } = await photo(page, 1600, 400);
  const add = (focus) => {
    mock.booth.focus = focus;
    mock.booth.addShown({ id: randomUUID(), style: "pencil", made_by: "laptop", result: buffer });
  };
  for (const focus of [null, { x: 0.1, y: 0.5 }, { x: 0.625, y: 0.2 }]) add(focus);
  await page.goto(`${mock.url}gallery`);
  await page.waitForFunction(() => [...document.querySelectorAll("#grid img")].filter((image) => image.naturalWidth > 0).length === 3);
  await page.waitForTimeout(200);
  const places = await page.locator("#grid img").evaluateAll((images) => images.map((image) => getComputedStyle(image).objectPosition));
  t.check("crops keep the faces, or the middle", places.join() === "67% 50%,0% 50%,50% 50%", places.join());
  await t.shot(page, "owner-crops");
  mock.booth.reset();
}
