import { boothPage, choosePhoto, says, screen, withMock } from "../harness/booth.mjs";

export const title = "a device shared by visitors, and photos of the live picture";
export const limitMs = 300000;

export async function run(t) {
  await withMock(t, async (mock) => {
    await nextVisitor(t, mock);
    await alone(t, mock);
    await liveMoment(t, mock);
    await liveGone(t, mock);
  });
}

async function made(page) {
  await choosePhoto(page);
  await page.tap("#make");
  await screen(page, "done");
}

async function nextVisitor(t, mock) {
  const page = await boothPage(t, mock);
  await made(page);
  const mine = page.url();
  const other = await page.context().newPage();
  await other.goto(`${mock.url}booth`);
  await screen(other, "photo");
  await other.waitForSelector("#last:not([hidden])");
  t.check("the booth starts without the last visitor's picture", !(await other.isVisible("#picture")) && !other.url().includes("#"));
  await t.shot(other, "booth-next-visitor");
  await other.tap("#last");
  await screen(other, "done");
  t.check("the last result opens on request", other.url() === mine, other.url());
  await other.close();
  await page.reload();
  await screen(page, "done");
  t.check("a reload keeps the result", true);

  await page.tap("#another-picture");
  await screen(page, "photo");
  await made(page);
  await page.tap("#finish");
  await screen(page, "photo");
  t.check(`after "I am done" the last result is not offered`, !(await page.isVisible("#last")) && !page.url().includes("#"));
  await page.goBack();
  await page.waitForTimeout(500);
  const shown = await page.evaluate(() => document.documentElement.dataset.screen);
  t.check(`after "I am done" the back button opens no result`, shown === "photo" && !(await page.isVisible("#stylised")), shown);
  const still = await page.context().newPage();
  await still.goto(mine);
  await screen(still, "done");
  t.check("the result's address still opens it", true);

  const choosing = await boothPage(t, mock);
  await choosePhoto(choosing);
  await choosing.reload();
  await screen(choosing, "style");
  const next = await choosing.context().newPage();
  await next.goto(`${mock.url}booth`);
  await screen(next, "photo");
  await next.waitForTimeout(300);
  const stage = await next.evaluate(() => document.documentElement.dataset.screen);
  t.check("an unsent photo is restored only in its own tab", stage === "photo" && !(await next.isVisible("#picture")), stage);

  mock.booth.held = true;
  const working = await boothPage(t, mock);
  await choosePhoto(working);
  await working.tap("#make");
  await says(working, "#heading-work", /before yours/);
  await working.goto(`${mock.url}booth`);
  t.check("a running job is resumed", await says(working, "#heading-work", /before yours/));
  const stranger = await working.context().newPage();
  await stranger.goto(`${mock.url}booth`);
  await screen(stranger, "photo");
  await stranger.waitForSelector("#last:not([hidden])");
  await stranger.waitForTimeout(300);
  t.check("  but not in a new tab", (await screen(stranger, "photo")) !== null && (await stranger.isHidden("#picture")));
  await stranger.close();
  await working.goto("about:blank");
  mock.booth.held = false;
  await working.waitForTimeout(900);
  await working.goto(`${mock.url}booth`);
  await screen(working, "done");
  t.check("a job that finished meanwhile is shown", true);
}

// The test advances the page's clock.
async function alone(t, mock) {
  const page = await boothPage(t, mock);
  await page.clock.install();
  await page.goto(`${mock.url}booth`);
  await made(page);
  await page.clock.runFor(175_000);
  t.check("no question within three minutes", !(await page.isVisible("#presence")));
  await page.clock.runFor(7000);
  t.check("after three minutes without input the page asks", await page.isVisible("#presence"));
  t.check("the question shows the time that is left", await says(page, "#presence-detail", /In \d+ seconds/));
  await t.shot(page, "booth-presence");
  const seen = await page.evaluate(() => {
    const backdrop = getComputedStyle(document.getElementById("presence"), "::backdrop").backgroundColor;
    return backdrop;
  });
  t.check("the question hides the picture", /^rgb\(/.test(seen), seen);
  await page.tap("#presence-stay");
  t.check("an answer shows the picture again", (await page.isVisible("#stylised")) && !(await page.isVisible("#presence")));
  await page.clock.runFor(182_000);
  t.check("the page asks again after three more minutes", await page.isVisible("#presence"));
  await page.clock.runFor(31_000);
  await screen(page, "photo");
  t.check("without an answer the page starts over", !page.url().includes("#") && !(await page.isVisible("#presence")));
  await page.clock.runFor(1000);
  t.check("the last result is offered", await page.isVisible("#last"));

  await choosePhoto(page);
  await page.clock.runFor(215_000);
  await screen(page, "photo");
  const kept = await page.evaluate(async () => (await import("/booth/store.js")).keptPhoto(Date.now()));
  t.check("an unsent photo is deleted when the page starts over", kept === null && !(await page.isVisible("#picture")));
}

// The upload is the snapshot that was shown when the countdown ended, byte for byte.
async function liveMoment(t, mock) {
  const page = await boothPage(t, mock, {
    before: (blank) =>
      blank.addInitScript(() => {
        globalThis.seen = [];
        const bitmap = globalThis.createImageBitmap;
        globalThis.createImageBitmap = async (source, ...more) => {
          const made = await bitmap(source, ...more);
          if (source instanceof Blob) globalThis.last = source;
          return made;
        };
        const { send } = XMLHttpRequest.prototype;
        XMLHttpRequest.prototype.send = function (body) {
          globalThis.sent = body.get("image");
          return send.call(this, body);
        };
      }),
  });
  await page.tap("#use-live");
  await page.waitForSelector("#live:not([hidden])");
  t.check("the live viewfinder is shown", await says(page, "#heading-camera", /station's camera/));
  const stills = () => page.requests.filter((url) => url.includes("snapshot.jpg")).length;
  const before = stills();
  await page.waitForFunction((least) => performance.getEntriesByType("resource").filter(({ name }) => name.includes("snapshot")).length > least, before + 3);
  t.check("the viewfinder is updated", stills() > before + 2, stills());
  await t.shot(page, "booth-live");
  await page.evaluate(() => {
    new MutationObserver(() => {
      const count = document.getElementById("count");
      if (!count.hidden && globalThis.seen.at(-1) !== count.textContent) globalThis.seen.push(count.textContent);
    }).observe(document.getElementById("count"), { attributes: true, childList: true });
    const canvas = document.getElementById("live");
    new MutationObserver(() => {
      globalThis.onScreen = globalThis.last;
    }).observe(canvas, { attributes: true, attributeFilter: ["hidden"] });
  });
  await page.tap("#shutter");
  await page.waitForFunction(() => document.getElementById("count").textContent === "2");
  await t.shot(page, "booth-live-count");
  await screen(page, "style");
  const counted = await page.evaluate(() => globalThis.seen.join(" "));
  t.check("the countdown runs from three to one", counted === "3 2 1", counted);
  await page.tap("#make:not([disabled])");
  await screen(page, "done");
  const same = await page.evaluate(async () => {
    const bytes = async (blob) => new Uint8Array(await blob.arrayBuffer());
    const [seen, sent] = await Promise.all([bytes(globalThis.onScreen), bytes(globalThis.sent)]);
    return sent.length > 1000 && seen.length === sent.length && seen.every((byte, at) => byte === sent[at]);
  });
  t.check("the photo is the snapshot that was shown", same);
  const after = stills();
  await page.waitForTimeout(700);
  t.check("no snapshots are requested afterwards", stills() === after);
}

async function liveGone(t, mock) {
  const page = await boothPage(t, mock);
  await page.route("**/snapshot.jpg*", (route) => route.fulfill({ status: 503, body: "no picture" }));
  await page.tap("#use-live");
  t.check("a missing live picture is reported", await says(page, "#note-photo", /no live picture/, 15000));
  await page.unroute("**/snapshot.jpg*");
  await page.tap("#use-live");
  await page.tap("#shutter:not([disabled])");
  await page.waitForFunction(() => document.getElementById("count").textContent === "3");
  await page.tap("#shut-camera");
  await page.waitForTimeout(3500);
  const shown = await page.evaluate(() => document.documentElement.dataset.screen);
  t.check("a countdown can be cancelled", shown === "photo", shown);
}
