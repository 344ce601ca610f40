import { boothPage, choosePhoto, says, screen, withMock } from "../harness/booth.mjs";

export const title = "a device that many use, and the live picture as it was seen";
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
  t.check("opened anew, the booth begins anew", !(await other.isVisible("#picture")) && !other.url().includes("#"));
  await t.shot(other, "booth-next-visitor");
  await other.tap("#last");
  await screen(other, "done");
  t.check("who made it can ask for it", other.url() === mine, other.url());
  await other.close();
  await page.reload();
  await screen(page, "done");
  t.check("and a reload is no other visitor", true);

  await page.tap("#another-picture");
  await screen(page, "photo");
  await made(page);
  await page.tap("#finish");
  await screen(page, "photo");
  t.check("done: nothing is offered any more", !(await page.isVisible("#last")) && !page.url().includes("#"));
  await page.goBack();
  await page.waitForTimeout(500);
  const shown = await page.evaluate(() => document.documentElement.dataset.screen);
  t.check("and the browser's way back leads to nobody's picture", shown === "photo" && !(await page.isVisible("#stylised")), shown);
  const still = await page.context().newPage();
  await still.goto(mine);
  await screen(still, "done");
  t.check("whoever kept the address still has it", true);

  const choosing = await boothPage(t, mock);
  await choosePhoto(choosing);
  await choosing.reload();
  await screen(choosing, "style");
  const next = await choosing.context().newPage();
  await next.goto(`${mock.url}booth`);
  await screen(next, "photo");
  await next.waitForTimeout(300);
  const stage = await next.evaluate(() => document.documentElement.dataset.screen);
  t.check("a photo that was only taken is for its own tab", stage === "photo" && !(await next.isVisible("#picture")), stage);

  mock.booth.held = true;
  const working = await boothPage(t, mock);
  await choosePhoto(working);
  await working.tap("#make");
  await says(working, "#heading-work", /before yours/);
  await working.goto(`${mock.url}booth`);
  t.check("what is being made goes on", await says(working, "#heading-work", /before yours/));
  await working.goto("about:blank");
  mock.booth.held = false;
  await working.waitForTimeout(900);
  await working.goto(`${mock.url}booth`);
  await screen(working, "done");
  t.check("and is there for who comes back to it", true);
}

// The page's clock is the test's.
async function alone(t, mock) {
  const page = await boothPage(t, mock);
  await page.clock.install();
  await page.goto(`${mock.url}booth`);
  await made(page);
  await page.clock.runFor(175_000);
  t.check("somebody may look for minutes", !(await page.isVisible("#presence")));
  await page.clock.runFor(7000);
  t.check("left alone, it asks", await page.isVisible("#presence"));
  t.check("and says when it begins anew", await says(page, "#presence-detail", /In \d+ seconds/));
  await t.shot(page, "booth-presence");
  const seen = await page.evaluate(() => {
    const backdrop = getComputedStyle(document.getElementById("presence"), "::backdrop").backgroundColor;
    return backdrop;
  });
  t.check("the picture is hidden meanwhile", /^rgb\(/.test(seen), seen);
  await page.tap("#presence-stay");
  t.check("an answer is enough", (await page.isVisible("#stylised")) && !(await page.isVisible("#presence")));
  await page.clock.runFor(182_000);
  t.check("it asks again", await page.isVisible("#presence"));
  await page.clock.runFor(31_000);
  await screen(page, "photo");
  t.check("without an answer it begins anew", !page.url().includes("#") && !(await page.isVisible("#presence")));
  await page.clock.runFor(1000);
  t.check("and only offers the picture", await page.isVisible("#last"));

  await choosePhoto(page);
  await page.clock.runFor(215_000);
  await screen(page, "photo");
  const kept = await page.evaluate(async () => (await import("/booth/store.js")).keptPhoto(Date.now()));
  t.check("a photo that was left behind is gone as well", kept === null && !(await page.isVisible("#picture")));
}

// What is sent is the still that was on the screen when the countdown ended, to the last byte.
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
  t.check("the live picture is shown first", await says(page, "#heading-camera", /station's camera/));
  const stills = () => page.requests.filter((url) => url.includes("snapshot.jpg")).length;
  const before = stills();
  await page.waitForFunction((least) => performance.getEntriesByType("resource").filter(({ name }) => name.includes("snapshot")).length > least, before + 3);
  t.check("and it moves", stills() > before + 2, stills());
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
  t.check("three, two, one", counted === "3 2 1", counted);
  await page.tap("#make:not([disabled])");
  await screen(page, "done");
  const same = await page.evaluate(async () => {
    const bytes = async (blob) => new Uint8Array(await blob.arrayBuffer());
    const [seen, sent] = await Promise.all([bytes(globalThis.onScreen), bytes(globalThis.sent)]);
    return sent.length > 1000 && seen.length === sent.length && seen.every((byte, at) => byte === sent[at]);
  });
  t.check("what was seen is what is made", same);
  const after = stills();
  await page.waitForTimeout(700);
  t.check("and nothing is fetched any more", stills() === after);
}

async function liveGone(t, mock) {
  const page = await boothPage(t, mock);
  await page.route("**/snapshot.jpg*", (route) => route.fulfill({ status: 503, body: "no picture" }));
  await page.tap("#use-live");
  t.check("no live picture is said", await says(page, "#note-photo", /no live picture/, 15000));
  await page.unroute("**/snapshot.jpg*");
  await page.tap("#use-live");
  await page.tap("#shutter:not([disabled])");
  await page.waitForFunction(() => document.getElementById("count").textContent === "3");
  await page.tap("#shut-camera");
  await page.waitForTimeout(3500);
  const shown = await page.evaluate(() => document.documentElement.dataset.screen);
  t.check("a countdown can be called off", shown === "photo", shown);
}
