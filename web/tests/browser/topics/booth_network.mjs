import { randomUUID } from "node:crypto";
import { PHONE, boothPage, choosePhoto, says, screen, withMock } from "../harness/booth.mjs";

export const title = "failed downloads of results, thumbnails and codes are retried, and never confused";
export const limitMs = 300000;

export async function run(t) {
  await withMock(t, async (mock) => {
    await lost(t, mock);
    await otherAnswers(t, mock);
    await cut(t, mock);
    await slow(t, mock);
    await refused(t, mock);
    await before(t, mock);
    await gallery(t, mock);
    await codes(t, mock);
  });
}

// Aborts the next `count` requests for addresses that match.
async function failing(page, pattern, count) {
  let left = count;
  await page.route(pattern, (route) => (left-- > 0 ? route.abort("connectionreset") : route.continue()));
}

async function isTheResult(page) {
  return page.evaluate(async () => {
    const [, id] = location.hash.match(/#(.*)/);
    const made = Object.assign(new Image(), { src: `/api/stylise/${id}/result.jpg` });
    const pixels = async (image) => {
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, canvas.width, canvas.height).data;
    };
    const shown = document.getElementById("stylised");
    const [one, other] = [await pixels(shown), await pixels(made)];
    const same = one.length === other.length && one.every((value, at) => value === other[at]);
    return same && document.getElementById("save").href === shown.src;
  });
}

async function lost(t, mock) {
  const page = await boothPage(t, mock);
  await failing(page, "**/result.jpg*", 2);
  await choosePhoto(page);
  await page.tap("#make");
  t.check("a failed download is reported", await says(page, "#heading-work", /Fetching your picture… The network is bad/));
  const early = await page.evaluate(() => document.documentElement.dataset.visit);
  t.check("no other picture is shown meanwhile", early === "fetching" && !(await page.isVisible("#stylised")), early);
  t.check("the time of the next attempt is shown", await says(page, "#work-detail", /Trying again in \d/));
  await t.shot(page, "booth-result-lost");
  await screen(page, "done");
  t.check("the result comes in the end, and is what is saved", await isTheResult(page));
}

// A network that answers with a page of its own, as hotels' do.
async function otherAnswers(t, mock) {
  const page = await boothPage(t, mock);
  let left = 2;
  await page.route("**/result.jpg*", (route) =>
    left-- > 0 ? route.fulfill({ contentType: "image/jpeg", body: "<!doctype html><p>Sign in" }) : route.continue(),
  );
  await choosePhoto(page);
  await page.tap("#make");
  t.check("an answer that is no picture is no result", await says(page, "#heading-work", /The network is bad/));
  t.check("  and the photo is not shown as one", await page.isHidden("#stylised"));
  await screen(page, "done");
  t.check("  but asked for again", await isTheResult(page));
}

async function cut(t, mock) {
  mock.booth.cuts = [3000, 2000];
  mock.booth.fetched = [];
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("#make");
  await screen(page, "done");
  const asked = mock.booth.fetched.map(({ range }) => range);
  const goesOn = asked[0] === null && asked[1] === "bytes=3000-" && asked[2] === "bytes=5000-";
  t.check("after two cuts only the rest is requested", goesOn && asked.length === 3, asked.join(" "));
  t.check("the joined parts are the result", await isTheResult(page));
}

async function slow(t, mock) {
  const page = await boothPage(t, mock);
  const session = await page.context().newCDPSession(page);
  await choosePhoto(page);
  mock.booth.held = true;
  await page.tap("#make");
  await says(page, "#heading-work", /before yours/);
  const slowly = { offline: false, latency: 20, downloadThroughput: 4000, uploadThroughput: 40_000 };
  await session.send("Network.emulateNetworkConditions", slowly);
  mock.booth.fetched = [];
  mock.booth.held = false;
  t.check("a slow download shows its progress", await says(page, "#heading-work", /Fetching your picture: [1-9]\d? %/, 30000));
  const picture = await page.evaluate(() => document.getElementById("stylised").hidden);
  t.check("a partial result is not shown", picture);
  await t.shot(page, "booth-result-slow");
  await session.send("Network.emulateNetworkConditions", { ...slowly, downloadThroughput: -1, uploadThroughput: -1 });
  await screen(page, "done", 30000);
  t.check("a slow download takes one request", mock.booth.fetched.length === 1, mock.booth.fetched.length);
}

async function refused(t, mock) {
  const page = await boothPage(t, mock);
  await page.route("**/result.jpg*", (route) => route.fulfill({ status: 404, body: "" }));
  await choosePhoto(page);
  await page.tap("#make");
  t.check("a result that was deleted meanwhile is reported as gone", await says(page, "#note-photo", /no longer on the station/));
}

// After a reload the source picture comes from the station.
async function before(t, mock) {
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("#make");
  await screen(page, "done");
  await failing(page, "**/source.jpg*", 2);
  await failing(page, "**/api/stylise/*/events", 1);
  await page.reload();
  await screen(page, "done");
  await page.waitForFunction(() => document.getElementById("picture").naturalWidth > 0);
  t.check("the source picture loads after failures", true);
}

async function gallery(t, mock) {
  const pictures = await Promise.all(
    [0, 1].map(async (boxes) => Buffer.from(await (await fetch(`${mock.url}snapshot.jpg?boxes=${boxes}`)).arrayBuffer())),
  );
  mock.booth.gallery = [];
  pictures.forEach((result, index) =>
    mock.booth.addShown({ id: randomUUID(), style: ["pencil", "painting"][index], made_by: "laptop", result }),
  );
  const page = await t.page({ ...PHONE, address: null });
  await failing(page, /gallery\/[0-9a-f-]+\.jpg/, 3);
  await page.goto(`${mock.url}gallery`);
  await page.waitForSelector("#grid img");
  await page.waitForFunction(() => [...document.querySelectorAll("#grid img")].every(({ naturalWidth }) => naturalWidth > 0));
  t.check("thumbnails load after failures", true);

  let release;
  const held = new Promise((done) => (release = done));
  await page.locator(".thumb").first().tap();
  await page.waitForFunction(() => document.getElementById("large").naturalWidth > 0);
  const [, second] = mock.booth.gallery;
  await page.route(`**/gallery/${second.id}.jpg*`, async (route) => {
    await held;
    await route.abort("connectionreset");
  }, { times: 1 });
  await page.evaluate(async () => {
    // Removed, so that the lightbox has to load the picture again.
    for (const image of document.querySelectorAll("#grid img")) image.remove();
  });
  await page.tap("#next");
  await says(page, "#large-words", /Pencil/);
  const stale = await page.evaluate(() => {
    const large = document.getElementById("large");
    return large.complete && large.naturalWidth > 0 && large.currentSrc;
  });
  t.check("the lightbox does not show a picture with another's caption", !stale || stale.includes(second.id), stale);
  release();
  await page.waitForFunction(() => document.getElementById("large").naturalWidth > 0);
  t.check("the right picture loads after a failure", true);
}

async function codes(t, mock) {
  const page = await t.page({ address: null });
  await failing(page, "**/qr/*", 3);
  await page.goto(`${mock.url}join`);
  await page.waitForFunction(() => ["wifi-code", "booth-code"].every((id) => document.getElementById(id).naturalWidth > 0));
  t.check("the codes load after failures", true);
}
