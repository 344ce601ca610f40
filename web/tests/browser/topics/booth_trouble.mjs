import { boothPage, choosePhoto, fits, says, screen, withMock } from "../harness/booth.mjs";

export const title = "the photo booth with failing networks, reloads and refusals";
export const limitMs = 300000;

export async function run(t) {
  await withMock(t, async (mock) => {
    await lostUpload(t, mock);
    await busy(t, mock);
    await refusals(t, mock);
    await reloads(t, mock);
    await cancels(t, mock);
    await deafEvents(t, mock);
    await gone(t, mock);
  });
}

async function lostUpload(t, mock) {
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  const keys = [];
  let broken = 2;
  await page.route("**/api/stylise", async (route) => {
    keys.push(await route.request().headerValue("Idempotency-Key"));
    // The first request is lost, then the answer of the second.
    if (broken === 1) await route.fetch();
    return broken-- > 0 ? route.abort("connectionreset") : route.continue();
  });
  await page.tap("#make");
  t.check("a failed upload is reported as not lost", await says(page, "#heading-work", /not lost/));
  t.check("the time of the next attempt is shown", await says(page, "#work-detail", /Trying again in \d/));
  await t.shot(page, "booth-lost");
  await screen(page, "done");
  const once = keys.length === 3 && new Set(keys).size === 1 && mock.booth.orders.length === 1;
  t.check("all attempts have the same key and make one job", once, `${keys.length} attempts`);

  // Throttled to 400 kbit/s, so that the progress is visible.
  const slow = await boothPage(t, mock);
  const session = await slow.context().newCDPSession(slow);
  await choosePhoto(slow, { name: "noise.jpg", mimeType: "image/jpeg", buffer: noise(150_000) });
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 50,
    downloadThroughput: 50_000,
    uploadThroughput: 50_000,
  });
  await slow.tap("#make");
  t.check("a slow upload shows its progress", await says(slow, "#heading-work", /Sending: [1-9]\d? %/));
  t.check("a slow upload shows kilobytes", await says(slow, "#work-detail", /\d+ of 15\d kB/));
  await t.shot(slow, "booth-percent");
  // Waits until the order is done, so that the next refusal is not for it.
  await screen(slow, "done", 30000);
}

async function busy(t, mock) {
  mock.booth.refuse = [{ status: 429, headers: { "Retry-After": "3" }, error: "the queue is full" }];
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("#make");
  t.check("a full queue shows a countdown", await says(page, "#work-detail", /in [23] seconds/));
  t.check("a full queue is explained", await says(page, "#heading-work", /Many people/));
  await t.shot(page, "booth-busy");
  await screen(page, "done");
  t.check("the order is sent after the countdown", true);
}

async function refusals(t, mock) {
  const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypheic"), Buffer.alloc(4000)]);
  const page = await boothPage(t, mock);
  // As a browser gives it that knows no HEIC.
  for (const mimeType of ["image/heic", ""]) {
    await page.reload();
    await page.setInputFiles("#choose-file", { name: "a.heic", mimeType, buffer: heic });
    t.check("a HEIC file is explained before anything is sent", await says(page, "#note-photo", /HEIC[^]*Nothing was sent[^]*Most Compatible/));
  }
  await t.shot(page, "booth-heic");
  const { ok, detail } = await fits(page);
  t.check("with room for it", ok, detail);
  t.check("no request left the page", !page.requests.some((url) => url.endsWith("/api/stylise") || url.endsWith("/previews")));
  await heicSafari(t, mock, heic);

  for (const [status, pattern] of [
    [413, /too large/],
    [422, /did not work/],
    [401, /link with the token/],
  ]) {
    mock.booth.refuse = [{ status }];
    await choosePhoto(page);
    await page.tap("#make");
    t.check(`${status} is explained`, await says(page, "#heading-trouble", pattern));
    await page.tap("#trouble-picture");
  }
  mock.booth.outcome = { error: "the picture server ran out of memory" };
  await choosePhoto(page);
  await page.tap("#make");
  t.check("a failed job is explained", (await says(page, "#heading-trouble", /could not be made/)) && (await says(page, "#trouble-own", /memory/)));
  mock.booth.outcome = "done";
  await page.tap("#try-again");
  await page.waitForSelector("#make:not([disabled])");
  await page.tap("#make");
  await screen(page, "done");
  t.check("a failed job can be tried again with the same photo", true);

  mock.booth.styles = [];
  const none = await boothPage(t, mock);
  await none.setInputFiles("#choose-file", { name: "a.jpg", mimeType: "image/jpeg", buffer: noise(9000) });
  t.check("an empty list of styles is explained", await says(none, "#no-styles", /no style/));
  t.check("nothing can be ordered without a style", await none.isDisabled("#make"));
  mock.booth.reset();
  mock.booth.paceMs = 60;
}

// A browser that reads HEIC, in <img> alone or everywhere.
async function heicSafari(t, mock, heic) {
  for (const where of ["image", "bitmap"]) {
    const page = await boothPage(t, mock);
    await page.evaluate((place) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
      canvas.getContext("2d").fillRect(0, 0, 320, 480);
      const bitmap = globalThis.createImageBitmap;
      if (place === "bitmap") globalThis.createImageBitmap = (of) => bitmap(of.type === "image/heic" ? canvas : of);
      else {
        const picture = canvas.toDataURL("image/png");
        const { decode } = HTMLImageElement.prototype;
        HTMLImageElement.prototype.decode = async function decodeHeic() {
          if (this.src.startsWith("blob:")) this.src = picture;
          return decode.call(this);
        };
      }
    }, where);
    await choosePhoto(page, { name: "a.heic", mimeType: "image/heic", buffer: heic });
    const size = await page.evaluate(() => {
      const { naturalWidth, naturalHeight } = document.getElementById("picture");
      return `${naturalWidth}x${naturalHeight}`;
    });
    t.check(`where the browser reads HEIC (${where}) the photo is shown`, size === "640x480", size);
    await page.tap("#make");
    await screen(page, "done");
    const { given } = mock.booth.orders.at(-1);
    t.check(`and sent as a JPEG (${where})`, given === "ffd8ff", given);
  }
}

async function reloads(t, mock) {
  mock.booth.held = true;
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.reload();
  await screen(page, "style");
  t.check("a reload keeps the photo", await page.isVisible("#picture"));
  await page.waitForSelector("#styles .card");
  mock.booth.slowMs = 1500;
  const before = mock.booth.orders.length;
  await page.tap("#make");
  await says(page, "#heading-work", /looks at your picture|Sending/);
  await page.waitForTimeout(200);
  await page.reload();
  t.check("a reload during the upload sends the order again", await says(page, "#heading-work", /before yours/));
  mock.booth.slowMs = 0;
  await page.waitForTimeout(1600);
  t.check("the order makes one job", mock.booth.orders.length === before + 1, mock.booth.orders.length - before);
  await page.reload();
  t.check("a reload while waiting goes on waiting", await says(page, "#heading-work", /before yours/));
  const url = page.url();
  await page.goto("about:blank");
  mock.booth.held = false;
  await page.waitForTimeout(900);
  await page.goto(url);
  await screen(page, "done");
  t.check("reopening the page after the job shows the result", true);
}

async function cancels(t, mock) {
  mock.booth.held = true;
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("#make");
  await says(page, "#heading-work", /before yours/);
  await page.tap("#cancel");
  await screen(page, "style");
  t.check("cancelling in the queue keeps the photo", (await says(page, "#note-style", /Cancelled/)) && (await page.isEnabled("#make")));
  t.check("the station has cancelled the job", [...mock.booth.jobs.values()].at(-1).state === "cancelled");
  mock.booth.held = false;
  mock.booth.slowMs = 800;
  await page.tap("#make");
  await says(page, "#heading-work", /looks at your picture|Sending/);
  await page.waitForTimeout(150);
  await page.tap("#cancel");
  await screen(page, "style");
  await page.waitForTimeout(1300);
  const last = [...mock.booth.jobs.values()].at(-1);
  t.check("cancelling a just sent order cancels its job", last.state === "cancelled", last.state);
  mock.booth.slowMs = 0;
}

async function deafEvents(t, mock) {
  mock.booth.silent = true;
  const page = await t.page({ address: null });
  await page.route("**/events", (route) => route.abort());
  await page.goto(`${mock.url}booth`);
  await choosePhoto(page);
  await page.click("#make");
  await screen(page, "done");
  t.check("without events the page polls the job", true);
  mock.booth.silent = false;
}

async function gone(t, mock) {
  const page = await boothPage(t, mock, { path: "booth#6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11" });
  t.check("a job that is gone is reported", await says(page, "#note-photo", /no longer on the station/));
  t.check("the booth starts over", (await page.isVisible("#take")) && !page.url().includes("#"));
}

// A small JPEG followed by filler bytes: slow to send, quick to decode.
function noise(length) {
  const pixel =
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k=";
  return Buffer.concat([Buffer.from(pixel, "base64"), Buffer.alloc(length, 7)]);
}
