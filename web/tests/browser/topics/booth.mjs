import { boothPage, choosePhoto, fits, noteResults, photo, says, screen, shownWhole, withMock } from "../harness/booth.mjs";
import { visibleText } from "../harness/eyes.mjs";

export const title = "the photo booth, from the photo to the saved result";
export const limitMs = 300000;

const SIZES = { portrait: [390, 844], smallest: [320, 568], "on its side": [844, 390], laptop: [1280, 800] };

export async function run(t) {
  await journey(t);
  await withMock(t, async (mock) => {
    await consent(t, mock);
    await progress(t, mock);
    await largePhoto(t, mock);
    await result(t, mock);
    await camera(t, mock);
    await layout(t, mock);
    await languages(t, mock);
  });
}

// Against the program (which makes pictures itself, without ComfyUI) or the mock.
async function journey(t) {
  const page = await boothPage(t, t.station);
  await choosePhoto(page);
  const first = await page.textContent("#styles .card .title");
  await page.tap("#make");
  await screen(page, "done", 60000);
  t.check("a photo becomes a result", true, first);
  const sizes = await page.evaluate(async () => {
    const images = [document.querySelector("#picture"), document.querySelector("#stylised")];
    await Promise.all(images.map((image) => image.decode()));
    return images.map((image) => image.naturalWidth / image.naturalHeight);
  });
  t.check("before and after have the same shape", Math.abs(sizes[0] - sizes[1]) < 0.05, sizes.join(" "));
  t.check("the address leads back to the result", /#[0-9a-f-]{36}$/.test(page.url()), page.url());
  await page.goto("about:blank");
  await page.goto(`${t.station.url}booth`);
  await screen(page, "photo");
  await page.tap("#last");
  await screen(page, "done");
  t.check("the page offers the last result", true);
  t.check("no request to another origin", page.requests.every((url) => /^(blob:|about:)/.test(url) || url.startsWith(t.station.url)));
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
  await page.tap("#another-picture");
  await page.tap("#use-live");
  await page.tap("#shutter:not([disabled])");
  await screen(page, "style");
  await page.tap("#make:not([disabled])");
  await screen(page, "done", 60000);
  t.check("a snapshot of the live picture becomes a result", true);
}

// A picture server that cannot erase pictures, and one that is away.
async function consent(t, mock) {
  mock.booth.erases = false;
  const marked = mock.booth.styles;
  mock.booth.styles = marked.map((style) => ({ ...style, away: style.id === "pixel-art" }));
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("text=Claymation");
  const told = await visibleText(page, "#consent");
  t.check("the consent says that the picture may stay on the picture server", /may stay there.*cannot erase/.test(told), told);
  const mark = await visibleText(page, '.card:has([value="pixel-art"]) .made');
  t.check("a style is marked while its picture server is away", mark === "waits for the picture server", mark);
  await t.shot(page, "booth-consent");
  await page.tap("#make");
  await screen(page, "work");
  t.check("the order names who may make the picture", mock.booth.orders.at(-1).made_by === "comfyui");
  mock.booth.erases = true;
  mock.booth.styles = marked;
}

async function progress(t, mock) {
  mock.booth.paceMs = 350;
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("text=Claymation");
  const consent = await visibleText(page, "#consent");
  t.check("the consent names who sees the picture", /picture server.*overwrites.*24 hours/.test(consent), consent);
  t.check("sharing is off by default", !(await page.isChecked("#agree")));
  await page.tap("#make");
  await screen(page, "work");
  await page.evaluate(() => {
    globalThis.jumps = [];
    new PerformanceObserver((list) => {
      if (document.documentElement.dataset.screen !== "work") return;
      globalThis.jumps.push(...list.getEntries().map(({ value }) => value));
    }).observe({ type: "layout-shift" });
  });
  t.check("the position in the queue is shown", await says(page, "#heading-work", /pictures before yours/));
  t.check("the expected wait is shown", await says(page, "#work-detail", /About 4\d seconds/));
  await t.shot(page, "booth-queue");
  t.check("being next is shown", await says(page, "#heading-work", /You are next/));
  t.check("the upload to the picture server is shown", await says(page, "#heading-work", /On its way/));
  t.check("what is made is named", await says(page, "#heading-work", /Making your picture: Claymation/));
  await page.waitForFunction(() => document.getElementById("progress").value >= 0.5);
  const bar = await page.evaluate(() => document.getElementById("progress").value);
  t.check("the progress bar shows the step", bar >= 0.5, bar);
  t.check("the preview is shown", await page.waitForSelector('#filling[src*="preview.jpg?n="]').then(() => true));
  const share = await page.evaluate(() => Number(document.getElementById("frame").style.getPropertyValue("--share")));
  t.check("  and fills with the progress", share >= 0.5, share);
  await t.shot(page, "booth-step");
  const jumps = await page.evaluate(() => globalThis.jumps);
  t.check("no layout shift while the job runs", jumps.length === 0, jumps.join(" "));
  await screen(page, "done");
  const [order] = mock.booth.orders.slice(-1);
  t.check("the order has an idempotency key and is not shared", /^[0-9a-f-]{36}$/.test(order.key) && order.share === "false", JSON.stringify(order));
  const focus = await page.evaluate(() => document.activeElement.id);
  t.check("the focus moves to the result's heading", focus === "heading-done", focus);
  mock.booth.paceMs = 60;
}

async function largePhoto(t, mock) {
  const page = await boothPage(t, mock);
  const file = await photo(page, 3000, 4000);
  await choosePhoto(page, file);
  await page.tap("#make");
  await screen(page, "done");
  const [order] = mock.booth.orders.slice(-1);
  const [width, height] = await page.evaluate(() => {
    const { naturalWidth, naturalHeight } = document.querySelector("#picture");
    return [naturalWidth, naturalHeight];
  });
  t.check("a large photo is scaled before the upload", height === 2048 && width === 1536, `${width}x${height}`);
  t.check("the scaled photo has fewer bytes", order.bytes < file.buffer.length, `${order.bytes} of ${file.buffer.length} bytes`);
}

async function result(t, mock) {
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await noteResults(page);
  await page.tap("#make");
  await screen(page, "done");
  const at = () => page.evaluate(() => Number(document.getElementById("compare").value));
  t.check("the result is shown whole", await shownWhole(page));
  await page.waitForFunction(() => Number(document.getElementById("compare").value) > 5);
  t.check("then the line moves once", await page.isVisible("#divider"));
  await t.shot(page, "booth-invitation");
  await page.waitForFunction(() => Number(document.getElementById("compare").value) === 0);
  await page.focus("#compare");
  await page.keyboard.press("ArrowRight");
  t.check("arrow keys move the dividing line", (await at()) === 1, await at());
  const box = await page.locator("#frame").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.2, box.y + 60, { steps: 4 });
  await page.mouse.up();
  t.check("dragging moves the dividing line", Math.abs((await at()) - 20) <= 1, await at());
  const line = await page.evaluate(() => {
    const frame = document.getElementById("frame").getBoundingClientRect();
    const middle = document.getElementById("divider").getBoundingClientRect();
    return (middle.left + middle.width / 2 - frame.left) / frame.width;
  });
  t.check("the line is drawn where the pointer is", Math.abs(line - 0.2) < 0.02, line.toFixed(3));
  const download = page.waitForEvent("download");
  await page.tap("#save");
  const name = (await download).suggestedFilename();
  t.check("the saved file is called as the station says", name === "fest-pencil.jpg", name);
  t.check("no share button without HTTPS", !(await page.isVisible("#hand-on")));
  await page.locator("label:has(#shown)").tap();
  await page.waitForFunction(async () => (await (await fetch("/api/gallery")).json()).pictures.length === 1);
  t.check("ticking the box shows the result in the gallery", true);
  await page.waitForSelector("#in-gallery:visible");
  await t.shot(page, "booth-in-gallery");
  await page.tap("#in-gallery");
  await page.waitForSelector("#lightbox[open]");
  t.check("the link opens it there", (await page.getAttribute("#large", "src")).includes(mock.booth.gallery[0].id));
  await page.goBack();
  await screen(page, "done");
  await page.locator("label:has(#shown)").tap();
  await page.waitForFunction(async () => (await (await fetch("/api/gallery")).json()).pictures.length === 0);
  t.check("clearing the box removes it", true);
  await page.reload();
  await screen(page, "done");
  await page.tap("#another-style");
  await page.waitForSelector("#make:not([disabled])");
  await page.tap("text=Oil painting");
  await page.tap("#make");
  await screen(page, "done");
  t.check("another style of the same photo", mock.booth.orders.at(-1).style === "painting");
  const second = page.url();
  await page.tap("#another-picture");
  await screen(page, "photo");
  await page.goBack();
  await screen(page, "done");
  t.check("the back button leads to a result that was left", page.url() === second, page.url());
  const jobs = mock.booth.jobs.size;
  await page.tap("#remove");
  t.check("deleting asks for confirmation", (await page.isVisible("#really")) && !(await page.isVisible("#save")));
  await t.shot(page, "booth-sure");
  await page.keyboard.press("Escape");
  t.check("Escape cancels the deletion", await page.isVisible("#save"));
  await page.tap("#remove");
  await page.tap("#really");
  await screen(page, "photo");
  t.check("a confirmed deletion removes the job", mock.booth.jobs.size === jobs - 1 && (await says(page, "#note-photo", /Deleted/)));
  t.check("the address no longer names it", !page.url().includes("#"));
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

// The page's own camera: preview, countdown, photo.
async function camera(t, mock) {
  const page = await boothPage(t, mock, {
    before: (blank) =>
      blank.addInitScript(() => {
        // A canvas instead of Chromium's fake camera, which needs command-line flags.
        navigator.mediaDevices.getUserMedia = async () => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 720, height: 1280 });
          const pen = canvas.getContext("2d");
          setInterval(() => {
            pen.fillStyle = "#2a6f97";
            pen.fillRect(0, 0, 720, 1280);
            pen.fillStyle = "#f2c7a5";
            pen.beginPath();
            pen.ellipse(360, 560, 170, 240, 0, 0, 7);
            pen.fill();
            pen.fillStyle = "#b8405e";
            pen.fillRect(0, 0, 180, 180);
          }, 50);
          return canvas.captureStream(20);
        };
      }),
  });
  await page.tap("#open-camera");
  await screen(page, "camera");
  await page.waitForFunction(() => document.getElementById("lens").videoWidth > 0);
  const mirrored = await page.evaluate(() => getComputedStyle(document.getElementById("lens")).scale);
  t.check("the camera's preview is mirrored", mirrored.startsWith("-1"), mirrored);
  await page.tap("#shutter");
  t.check("the countdown is shown", await says(page, "#count", /[1-3]/));
  await t.shot(page, "booth-camera");
  await screen(page, "style");
  const corner = await page.evaluate(async () => {
    const bitmap = document.getElementById("picture");
    await bitmap.decode();
    const pen = new OffscreenCanvas(bitmap.naturalWidth, bitmap.naturalHeight).getContext("2d");
    pen.drawImage(bitmap, 0, 0);
    return [...pen.getImageData(60, 60, 1, 1).data].slice(0, 3);
  });
  t.check("the photo is not mirrored", corner[0] > 150, corner.join(" "));
  t.check("the camera is closed afterwards", await page.evaluate(() => document.getElementById("lens").srcObject === null));
}

async function layout(t, mock) {
  const page = await boothPage(t, mock);
  const file = await photo(page);
  const steps = {
    photo: () => Promise.resolve(),
    style: () => choosePhoto(page, file),
    work: () => page.tap("#make"),
    done: () => (mock.booth.held = false),
  };
  mock.booth.held = true;
  for (const [name, go] of Object.entries(steps)) {
    await go();
    await screen(page, name);
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(120);
      const { ok, detail } = await fits(page);
      t.check(`${name}, ${size}: fits, with large enough controls`, ok, detail);
      const stage = await page.locator("#frame").boundingBox();
      t.check(`  the picture is at least 70 px high and wide`, Math.min(stage.width, stage.height) >= 70, `${Math.round(stage.width)}x${Math.round(stage.height)}`);
      await t.shot(page, `booth-${name}-${size.replaceAll(" ", "-")}`);
    }
  }
}

async function languages(t, mock) {
  const page = await boothPage(t, mock, { locale: "de-AT" });
  t.check("the page is in the browser's language", await says(page, "#heading-photo", /Stil wählen/));
  t.check("the lang attribute names it", (await page.getAttribute("html", "lang")) === "de");
  await page.selectOption("#language", "es");
  t.check("another language is chosen on the page", await says(page, "#heading-photo", /elige un estilo/));
  await page.reload();
  t.check("a reload keeps the language", await says(page, "#heading-photo", /elige un estilo/));
  await page.goto(`${mock.url}booth?lang=en`);
  t.check("?lang= outranks the remembered language", await says(page, "#heading-photo", /take it home/));
  let lost = 1;
  await page.route("**/lang/*.json", (route) => (lost-- > 0 ? route.abort() : route.continue()));
  await page.goto(`${mock.url}booth?lang=de`);
  t.check("a failed request for texts is retried", await says(page, "#heading-photo", /Stil wählen/));
}
