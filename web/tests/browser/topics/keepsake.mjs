import { boothPage, choosePhoto, fits, says, screen, withMock } from "../harness/booth.mjs";

export const title = "what visitors take home: frames, strips and prints";
export const limitMs = 180000;

const TOKEN = "let-me-rule";

export async function run(t) {
  await withMock(t, async (mock) => {
    for (const part of [framed, strip, boomerang, prints, approval]) {
      await part(t, mock);
      mock.booth.reset();
    }
  });
}

async function framed(t, mock) {
  mock.booth.keepsake = true;
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("#make");
  await screen(page, "done");
  await page.waitForFunction(() => document.querySelector("#keepsake-picture").naturalWidth > 0);
  const { alt, href, download, result } = await page.evaluate(() => ({
    alt: document.querySelector("#keepsake-picture").alt,
    href: document.querySelector("#save").href,
    download: document.querySelector("#save").download,
    result: document.querySelector("#stylised").src,
  }));
  t.check("the framed picture is shown beside the buttons", await page.isVisible("#keepsake-picture"));
  t.check("it is what is saved, not the bare result", href.startsWith("blob:") && href !== result, href);
  t.check("under the name that the station gives", download === "fest-pencil.jpg", download);
  t.check("its text names style, event and date", /Pencil sketch.*, Sommerfest, .*20\d\d/.test(alt), alt);
  t.check("the same is said of the result", (await page.getAttribute("#stylised", "alt")) === alt);
  const { ok, detail } = await fits(page);
  t.check("the page fits a phone", ok, detail);
  await t.shot(page, "keepsake-framed");
  await page.setViewportSize({ width: 1024, height: 768 });
  await t.shot(page, "keepsake-framed-tablet");
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

// A camera that changes its colour every 100 ms. No colour returns within 36 s: the first and the last shot of a strip,
// 9 s apart, must not have the same one.
function colourfulCamera(page) {
  return page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
      const pen = canvas.getContext("2d");
      let hue = 0;
      setInterval(() => {
        hue += 7;
        pen.fillStyle = `hsl(${hue} 60% 50%)`;
        pen.fillRect(0, 0, 1280, 720);
      }, 100);
      return canvas.captureStream(20);
    };
  });
}

// Takes a photo of that kind, and gives the colours in the middle of its cells.
async function taken(t, page, kind, columns, rows) {
  await page.tap("#open-camera");
  await screen(page, "camera");
  await page.waitForFunction(() => document.getElementById("lens").videoWidth > 0);
  await page.locator(`#takes label:has([value="${kind}"])`).tap();
  const { ok, detail } = await fits(page);
  t.check(`${kind}: the viewfinder fits a phone`, ok, detail);
  await t.shot(page, `keepsake-camera-${kind}`);
  await page.tap("#shutter");
  t.check(`${kind}: there is a countdown`, await says(page, "#count", /[1-3]/));
  await screen(page, "style", 40000);
  await page.waitForFunction(() => document.querySelector("#picture").naturalWidth > 0);
  return page.evaluate(
    ([across, down]) => {
      const sheet = document.getElementById("picture");
      const { naturalWidth: width, naturalHeight: height } = sheet;
      const pen = new OffscreenCanvas(width, height).getContext("2d");
      pen.drawImage(sheet, 0, 0);
      const cells = Array.from({ length: across * down }, (_, at) => at);
      const at = (cell) => [((cell % across) + 0.5) * (width / across), (Math.floor(cell / across) + 0.5) * (height / down)];
      return cells.map((cell) => [...pen.getImageData(...at(cell), 1, 1).data].slice(0, 3).join(" "));
    },
    [columns, rows],
  );
}

async function strip(t, mock) {
  mock.booth.keepsake = true;
  const page = await boothPage(t, mock, { before: colourfulCamera });
  const colours = await taken(t, page, "strip", 2, 2);
  t.check("each of the four shots is another moment", new Set(colours).size === 4, colours.join(", "));
  await page.waitForSelector("#styles .card");
  const offered = await page.locator("#styles .card").count();
  t.check("only styles of the station itself are offered", offered === 2, offered);
  await page.reload();
  await screen(page, "style");
  await page.tap("#make");
  await screen(page, "done");
  t.check("the order says that it is a strip, also after a reload", mock.booth.orders.at(-1).photo === "strip");
  t.check("its text does, too", /strip of four/.test(await page.getAttribute("#stylised", "alt")));
  await page.tap("#another-style");
  await page.waitForSelector("#make:not([disabled])");
  await page.tap("#make");
  await screen(page, "done");
  t.check("it stays one in another style", mock.booth.orders.at(-1).photo === "strip");
}

async function boomerang(t, mock) {
  mock.booth.keepsake = true;
  const page = await boothPage(t, mock, { before: colourfulCamera });
  const colours = await taken(t, page, "boomerang", 3, 4);
  t.check("a boomerang has many moments", new Set(colours).size >= 6, colours.join(", "));
  await page.tap("#make");
  await screen(page, "done");
  t.check("the order says what it is", mock.booth.orders.at(-1).photo === "boomerang");
  t.check("what moves is not compared", !(await page.isVisible("#divider")));
  const clip = await page.evaluate(() => getComputedStyle(document.querySelector("#stylised")).clipPath);
  t.check("and is shown whole", clip === "none", clip);
  await t.shot(page, "keepsake-boomerang");
}

async function prints(t, mock) {
  mock.booth.print = { state: null, copies_left: 2, approval: true };
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.tap("#make");
  await screen(page, "done");
  t.check("a print is offered, and who sees it is said", await says(page, "#print-state", /owner/));
  const { ok, detail } = await fits(page);
  t.check("the page with it fits a phone", ok, detail);
  await t.shot(page, "keepsake-print");
  await page.selectOption("#print-copies", "2");
  await page.tap("#print-ask");
  t.check("it waits for the owner", await says(page, "#print-state", /The owner looks at it before/));
  t.check("as many copies are asked for as were chosen", mock.booth.printed[0]?.copies === 2, JSON.stringify(mock.booth.printed));
  t.check("meanwhile nothing more can be asked for", await page.isDisabled("#print-ask"));
  mock.booth.print = { state: "printed", copies_left: 0, approval: true };
  t.check("the page says when it is printed", await says(page, "#print-state", /Fetch it at the printer/, 8000));
  await t.shot(page, "keepsake-printed");
}

async function approval(t, mock) {
  mock.admin.reset();
  mock.admin.prints = [{ id: "1", copies: 2, picture: "snapshot.jpg" }];
  const page = await t.page({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, address: null });
  await page.route(/\/(whep|stream\.mjpg)/, () => {});
  await page.goto(`${mock.url}admin#token=${TOKEN}`);
  t.check("the owner sees what waits", await says(page, "#prints", /2 copies/));
  await page.waitForFunction(() => document.querySelector("#prints-list img").naturalWidth > 0);
  await page.locator("#prints").scrollIntoViewIfNeeded();
  const { ok, detail } = await fits(page);
  t.check("the control page fits a phone", ok, detail);
  await t.shot(page, "keepsake-approval");
  await page.tap("#prints-list .strong");
  await page.waitForSelector("#prints", { state: "hidden" });
  t.check("and prints it", mock.admin.decided[0]?.approved === true, JSON.stringify(mock.admin.decided));
}
