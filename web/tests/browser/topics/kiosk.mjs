import { inspect, themed } from "../harness/axe.mjs";
import { PHONE, fits, noteResults, plainHttp, says, screen, shownWhole, withMock } from "../harness/booth.mjs";
import { visibleText } from "../harness/eyes.mjs";

export const title = "the booth on a device that visitors share, and the way home to the own phone";
export const limitMs = 600000; // three minutes beside a build

const TABLET = { viewport: { width: 1024, height: 768 }, hasTouch: true };
const SIZES = { tablet: [1024, 768], upright: [768, 1024], phone: [390, 844], laptop: [1366, 768] };

export async function run(t) {
  await withMock(t, async (mock) => {
    await journey(t, mock);
    await home(t, mock);
    await idle(t, mock);
    await keys(t, mock);
    await faces(t, mock);
    await attract(t, mock);
    await layout(t, mock);
    await accessibility(t, mock);
  });
}

function kioskPage(t, mock, { path = "booth?kiosk", ...more } = {}) {
  return t.page({ ...TABLET, address: `${mock.url}${path}`, before: plainHttp, ...more });
}

const here = (page) => page.evaluate(() => document.documentElement.dataset.screen);

// From the attract loop to the styles.
async function photographed(page) {
  await page.tap("#attract-begin");
  await page.tap("#shutter:not([disabled])");
  await screen(page, "style");
  await page.waitForSelector("#styles .card");
}

async function made(page) {
  await photographed(page);
  await page.tap("#make");
  await screen(page, "done");
}

// Everything that a browser keeps for the page, as text.
function remains(page) {
  return page.evaluate(async () => {
    const { keptPhoto } = await import("/booth/store.js");
    const sources = [...document.images].map((image) => image.getAttribute("src")).filter((src) => /^blob:|stylise/.test(src ?? ""));
    const live = document.getElementById("live");
    return {
      text: JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
      photo: (await keptPhoto(Date.now())) !== null,
      pictures: sources.length + Number(live.width > 1) + Number(document.getElementById("save").hasAttribute("href")),
      history: history.length,
    };
  });
}

async function journey(t, mock) {
  const page = await kioskPage(t, mock);
  await page.waitForSelector("#attract-begin");
  t.check("nothing leads away from the page", (await page.locator(".bar a:visible, input[type=file]:visible, #last:visible").count()) === 0);
  const entries = (await remains(page)).history;
  await page.tap("#attract-begin");
  await page.waitForSelector("#live:not([hidden])");
  await page.waitForTimeout(400);
  await t.shot(page, "kiosk-live");
  const mirrored = await page.evaluate(() => getComputedStyle(document.getElementById("live")).scale);
  t.check("the live picture is like a mirror", mirrored.startsWith("-1"), mirrored);
  await page.tap("#shutter:not([disabled])");
  await page.waitForFunction(() => document.getElementById("count").textContent === "2");
  await t.shot(page, "kiosk-count");
  await screen(page, "style");
  await page.waitForSelector("#styles .card");
  t.check("the consent is shown", await says(page, "#consent", /erased by itself/));
  await t.shot(page, "kiosk-style");
  mock.booth.held = true;
  await page.locator("#styles .card").nth(1).tap();
  await page.tap("#make");
  await screen(page, "work");
  t.check("the code is offered while the picture is made", await says(page, "#home-words", /Take it home/));
  await page.waitForSelector("#home-code:not([hidden])");
  await t.shot(page, "kiosk-work");
  await noteResults(page);
  mock.booth.held = false;
  await screen(page, "done");
  await page.waitForSelector("#screen-done #home-code:not([hidden])");
  await page.waitForFunction(() => document.getElementById("home-code").naturalWidth > 0);
  t.check("the result is shown whole", await shownWhole(page));
  await t.shot(page, "kiosk-done");
  t.check("the picture cannot be saved on this device", await page.isHidden("#save"));
  t.check("the address does not name the job", !page.url().includes("#"), page.url());
  await page.tap("#finish");
  await page.waitForSelector("#attract-begin:visible");
  const left = await remains(page);
  const ids = [...mock.booth.jobs.keys()];
  t.check("nothing of the visit is stored", !left.photo && ids.every((id) => !left.text.includes(id)), left.text);
  t.check("no picture of it stays in the page", left.pictures === 0, left.pictures);
  t.check("the back button leads to nothing of it", left.history === entries, `${entries} and ${left.history}`);
  const other = await page.context().newPage();
  await other.goto(`${mock.url}booth`);
  await screen(other, "photo");
  t.check("a plain booth on the device offers no result", await other.isHidden("#last"));
  await other.close();
  await photographed(page);
  const agreed = await page.isChecked("#agree");
  const style = await page.inputValue("#styles input:checked");
  t.check("the next visitor begins with the first style and without consent", !agreed && style === mock.booth.styles[0].id, style);
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function home(t, mock) {
  const page = await kioskPage(t, mock);
  await made(page);
  await page.waitForSelector("#screen-done #home-code:not([hidden])");
  const secret = [...mock.booth.handovers.keys()].at(-1);
  const phone = await t.page({ ...PHONE, address: null, before: plainHttp });
  // The answer is lost once: the phone repeats it.
  let lost = 1;
  await phone.route("**/api/handovers/*", async (route) => {
    if (lost-- <= 0) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await phone.goto(`${mock.url}booth#handover=${secret}`);
  await screen(phone, "done");
  t.check("the code opens the result on a phone", /#[0-9a-f-]{36}$/.test(phone.url()) && !phone.url().includes(secret), phone.url());
  t.check("there it can be saved", await phone.isVisible("#save"));
  await phone.waitForTimeout(300);
  await t.shot(phone, "kiosk-phone");
  t.check("the device says so", await says(page, "#home-words", /on a phone now/));
  t.check("its code is gone", await page.isHidden("#home-code"));
  await t.shot(page, "kiosk-taken");
  const second = await t.page({ ...PHONE, address: `${mock.url}booth#handover=${secret}`, before: plainHttp });
  t.check("the code works once", await says(second, "#note-photo", /used already/));
  t.check("  and its address is left", !second.url().includes(secret), second.url());
  await page.tap("#home-again");
  await page.waitForSelector("#home-code:not([hidden])");
  const next = [...mock.booth.handovers.keys()].at(-1);
  await second.goto("about:blank");
  await second.goto(`${mock.url}booth#handover=${next}`);
  await screen(second, "done");
  t.check("another code is for another phone", next !== secret);
}

// The test advances the page's clock.
async function idle(t, mock) {
  const page = await kioskPage(t, mock, { path: "booth?kiosk" });
  await page.clock.install();
  await page.goto(`${mock.url}booth?kiosk`);
  await page.tap("#attract-begin");
  await page.tap("#shutter:not([disabled])");
  await page.clock.runFor(3500);
  await screen(page, "style");
  await page.waitForSelector("#make:not([disabled])");
  await page.tap("#make");
  await screen(page, "done");
  await page.waitForSelector("#screen-done #home-code:not([hidden])");
  // Until here the page's clock runs with the machine's, which may be busy.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000);
  await page.mouse.move(100, 100);
  await page.clock.runFor(18_000);
  t.check("no warning within twenty seconds", await page.isHidden("#idle-warning"));
  await page.clock.runFor(4000);
  t.check("then the page warns", await says(page, "#idle-warning", /In \d+ seconds/));
  t.check("  and still shows the picture", await page.isVisible("#stylised"));
  await t.shot(page, "kiosk-idle");
  await page.mouse.move(200, 200);
  t.check("a touch ends the warning", await page.isHidden("#idle-warning"));
  await page.clock.runFor(31_000);
  await page.waitForSelector("#attract-begin:visible");
  const left = await remains(page);
  t.check("after thirty seconds nothing of the visitor remains", left.pictures === 0 && !left.photo && !/[0-9a-f]{8}-/.test(left.text), left.text);

  mock.booth.held = true;
  await page.clock.resume();
  await page.tap("#attract-begin");
  await page.tap("#shutter:not([disabled])");
  await page.clock.runFor(3500);
  await screen(page, "style");
  await page.tap("#make:not([disabled])");
  await screen(page, "work");
  await page.clock.runFor(100_000);
  t.check("a visitor who waits for the picture is not sent away", (await here(page)) === "work");
  await page.clock.runFor(90_000);
  t.check("  but not for ever", (await here(page)) === "photo", await here(page));
  mock.booth.held = false;
}

async function keys(t, mock) {
  const page = await kioskPage(t, mock, { hasTouch: false, locale: "es", reducedMotion: "reduce" });
  t.check("the page is in the browser's language", await says(page, "#attract-heading", /pintada aquí/));
  await page.focus("#attract-begin");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#shutter:not([disabled])");
  await page.keyboard.press("Escape");
  t.check("Escape leaves the viewfinder", (await here(page)) === "photo");
  await page.selectOption("#language", "de");
  t.check("another language is chosen", await says(page, "#attract-heading", /hier gemalt/));
  await page.focus("#attract-begin");
  await page.keyboard.press("Space");
  await page.waitForSelector("#shutter:not([disabled])");
  await page.keyboard.press("Space");
  t.check("a key is the button", await says(page, "#count", /[1-3]/));
  await screen(page, "style");
  t.check("the language is the visitor's", await says(page, "#heading-style", /Stil/));
  await page.keyboard.press("Tab");
  await page.focus("#make");
  await page.keyboard.press("Enter");
  await screen(page, "done");
  await page.focus("#finish");
  const label = await visibleText(page, "#finish");
  t.check("the last button is for the next visitor", label === "Nächste Person", label);
  await page.keyboard.press("Enter");
  t.check("the next visitor gets the first language", await says(page, "#attract-heading", /pintada aquí/));
  const focus = await page.evaluate(() => document.activeElement.id);
  t.check("the focus is on the button", focus === "attract-begin", focus);
}

// Detections are written by the test: a face that is held still, twice.
async function faces(t, mock) {
  const page = await kioskPage(t, mock, {
    before: async (blank) => {
      await plainHttp(blank);
      await blank.addInitScript(() => {
        const Original = globalThis.EventSource;
        globalThis.EventSource = function (address) {
          return String(address).includes("tracks") ? new Detections() : new Original(address);
        };
        globalThis.EventSource.CLOSED = Original.CLOSED;
        const tracks = [{ id: 1, class: "face", class_id: 1, score: 0.9, box: [700, 150, 900, 400] }];
        class Detections extends EventTarget {
          timer = setInterval(() => {
            const data = JSON.stringify({ width: 1280, height: 720, tracks });
            this.dispatchEvent(new MessageEvent("message", { data }));
          }, 100);
          close() {
            clearInterval(this.timer);
          }
        }
      });
    },
  });
  t.check("the page says that a face is enough", await says(page, "#attract-hint", /keep still/));
  await page.waitForTimeout(1500);
  await t.shot(page, "kiosk-hold");
  await screen(page, "camera", 5000);
  t.check("a face that is held still begins the visit", true);
  t.check("  and takes the picture", await says(page, "#count", /[1-3]/, 6000));
  const spot = await page.evaluate(() => {
    const frame = document.getElementById("frame").getBoundingClientRect();
    const count = document.getElementById("count").getBoundingClientRect();
    return [((count.left + count.right) / 2 - frame.left) / frame.width, ((count.top + count.bottom) / 2 - frame.top) / frame.height];
  });
  // Mirrored, the face is at 0.30 to 0.45 of the width.
  const covers = spot[0] > 0.27 && spot[0] < 0.48 && spot[1] > 0.18 && spot[1] < 0.58;
  t.check("the digits are beside the face", !covers, spot.map((share) => share.toFixed(2)).join(" "));
  await t.shot(page, "kiosk-face-count");
  await screen(page, "style", 6000);
}

async function attract(t, mock) {
  const picture = Buffer.from(await (await fetch(`${mock.url}snapshot.jpg?boxes=0`)).arrayBuffer());
  mock.booth.gallery = [];
  for (const style of ["pencil", "painting"]) mock.booth.addShown({ id: null, style, made_by: "laptop", result: picture });
  const [newest] = mock.booth.gallery;
  const page = await kioskPage(t, mock);
  await page.waitForSelector("#attract-pictures img.on");
  const src = await page.getAttribute("#attract-pictures img.on", "src");
  t.check("agreed pictures of the gallery are shown", src.includes(newest.id), src);
  await page.waitForTimeout(1300);
  await t.shot(page, "kiosk-attract");
  await page.waitForFunction((old) => document.querySelector("#attract-pictures img.on")?.getAttribute("src") !== old, src, { timeout: 15000 });
  t.check("one after the other", true);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(1300);
  await t.shot(page, "kiosk-attract-phone");
}

async function layout(t, mock) {
  const page = await kioskPage(t, mock);
  const steps = {
    photo: () => page.waitForSelector("#attract-begin"),
    camera: () => page.tap("#attract-begin"),
    style: () => page.tap("#shutter:not([disabled])"),
    work: () => page.tap("#make:not([disabled])"),
    done: () => (mock.booth.held = false),
  };
  mock.booth.held = true;
  for (const [name, go] of Object.entries(steps)) {
    await go();
    await screen(page, name);
    if (name === "camera") await page.waitForSelector("#live:not([hidden])");
    if (name === "work" || name === "done") await page.waitForSelector(`#screen-${name} #home-code:not([hidden])`);
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(150);
      const { ok, detail } = await fits(page);
      t.check(`${name}, ${size}: fits, with large enough controls`, ok, detail);
      await t.shot(page, `kiosk-${name}-${size}`);
    }
    await page.setViewportSize({ width: 1024, height: 768 });
  }
}

async function accessibility(t, mock) {
  for (const theme of ["dark", "sunlight"]) {
    const page = await kioskPage(t, mock, themed(theme));
    await page.waitForSelector("#attract-begin");
    await inspect(t, page, `${theme}: the attract loop`);
    await made(page);
    await page.waitForSelector("#screen-done #home-code:not([hidden])");
    await inspect(t, page, `${theme}: the result with its code`);
    if (theme === "sunlight") await t.shot(page, "kiosk-done-sunlight");
    await page.context().close();
  }
}
