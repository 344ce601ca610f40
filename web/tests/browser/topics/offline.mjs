import { PHONE, choosePhoto, photo, says, screen, withMock } from "../harness/booth.mjs";

export const title = "the photo booth without a network";
export const limitMs = 240000;

export async function run(t) {
  await withMock(t, async (mock) => {
    await opens(t, mock);
    await orderWaits(t, mock);
    await cancelled(t, mock);
    await expires(t, mock);
    await afterTheTab(t, mock);
    await inTheBackground(t, mock);
    await upgrade(t, mock);
    await shared(t, mock);
  });
}

// A page whose service worker has taken over.
async function visit(t, mock, path = "booth") {
  const page = await t.page({ ...PHONE, address: `${mock.url}${path}`, serviceWorkers: "allow" });
  await controlled(page);
  return page;
}

function controlled(page) {
  return page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
}

async function eventually(page, holds) {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await holds()) return true;
    await page.waitForTimeout(100);
  }
  return false;
}

const versions = (page) => page.evaluate(() => caches.keys());

// Opening a cache creates it if the worker has just deleted it, so this is for a page whose worker is not being replaced.
async function cached(page) {
  return page.evaluate(async () => {
    const names = await caches.keys();
    const lists = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
    return { names, paths: lists.flat() };
  });
}

async function opens(t, mock) {
  const page = await visit(t, mock);
  const { names, paths } = await cached(page);
  t.check("the page and its files are kept, in one version", names.length === 1 && paths.includes("/booth") && paths.includes("/booth/main.js") && paths.includes("/lang/de.json"), names.join());
  t.check("nothing of /api is", !paths.some((path) => path.startsWith("/api")));
  await page.waitForTimeout(300);
  const mistakes = page.complaints.length;
  await page.context().setOffline(true);
  await page.reload();
  t.check("the booth opens without a network", await says(page, "#heading-photo", /Take a picture/));
  await page.selectOption("#language", "de");
  t.check("in each language", await says(page, "#heading-photo", /Foto machen/));
  await page.selectOption("#language", "en");
  t.check("no script fails", !page.complaints.slice(mistakes).some((text) => /TypeError|SyntaxError|module/.test(text)), page.complaints.slice(mistakes).join(" | "));
  await t.shot(page, "offline-start");
  await page.context().setOffline(false);
}

async function orderWaits(t, mock) {
  const page = await visit(t, mock);
  // The styles are those of a visit with a network.
  await choosePhoto(page);
  await page.tap("#retake");
  await page.context().setOffline(true);
  await page.reload();
  await choosePhoto(page);
  t.check("styles can be chosen without a network", (await page.locator("#styles .card").count()) >= 2);
  await page.check("#agree");
  const before = mock.booth.orders.length;
  await page.tap("#make");
  t.check("the picture waits for the network", await says(page, "#heading-work", /waits for the network/));
  t.check("it says for how long", await says(page, "#work-detail", /within an hour/));
  await t.shot(page, "offline-waits");
  await page.reload();
  t.check("also after a reload", await says(page, "#heading-work", /waits for the network/));
  t.check("nothing has arrived", mock.booth.orders.length === before);
  await page.context().setOffline(false);
  await screen(page, "done", 30000);
  const orders = mock.booth.orders.slice(before);
  t.check("it is sent once when the network is back, with its consent", new Set(orders.map(({ key }) => key)).size === 1 && orders.every(({ share }) => share === "true"), JSON.stringify(orders));
  t.check("one picture is in the gallery", mock.booth.gallery.length === 1, mock.booth.gallery.length);
}

async function cancelled(t, mock) {
  const page = await visit(t, mock);
  await choosePhoto(page);
  await page.context().setOffline(true);
  const before = mock.booth.orders.length;
  await page.tap("#make");
  await says(page, "#heading-work", /waits for the network/);
  await page.tap("#cancel");
  await screen(page, "style");
  await page.context().setOffline(false);
  await page.waitForTimeout(1500);
  t.check("a cancelled order is not sent", mock.booth.orders.length === before, mock.booth.orders.length - before);
  t.check("its photo is still there", await page.isVisible("#picture"));
}

async function expires(t, mock) {
  const page = await visit(t, mock);
  await choosePhoto(page);
  await page.context().setOffline(true);
  await page.tap("#make");
  await says(page, "#heading-work", /waits for the network/);
  await page.waitForTimeout(300);
  await page.evaluate(
    () =>
      new Promise((done) => {
        const request = indexedDB.open("carrier.booth", 1);
        request.onsuccess = () => {
          const store = request.result.transaction("photos", "readwrite").objectStore("photos");
          store.get("photo").onsuccess = ({ target }) => {
            store.put({ ...target.result, at: Date.now() - 3601e3 }, "photo").onsuccess = done;
          };
        };
      }),
  );
  await page.reload();
  await screen(page, "photo");
  const left = await stored(page);
  t.check("after an hour the order and its photo are gone", left === null, JSON.stringify(left));
  await page.context().setOffline(false);
}

function stored(page) {
  return page.evaluate(
    () =>
      new Promise((done) => {
        const request = indexedDB.open("carrier.booth", 1);
        request.onsuccess = () => {
          request.result.transaction("photos").objectStore("photos").get("photo").onsuccess = ({ target }) => {
            done(target.result ? Object.keys(target.result) : null);
            request.result.close();
          };
        };
      }),
  );
}

// The tab is closed while the order waits: the next one sends it, and the button leads to its picture.
async function afterTheTab(t, mock) {
  const page = await visit(t, mock);
  await choosePhoto(page);
  await page.context().setOffline(true);
  const before = mock.booth.orders.length;
  await page.tap("#make");
  await says(page, "#heading-work", /waits for the network/);
  await page.waitForTimeout(300);
  const context = page.context();
  const next = await context.newPage();
  await page.close();
  await context.setOffline(false);
  await next.goto(`${mock.url}booth`);
  await next.waitForSelector("#last:not([hidden])");
  t.check("the order is sent when the booth is opened again", await eventually(next, () => mock.booth.orders.length > before));
  await next.waitForTimeout(500);
  const { buffer } = await photo(next, 200, 300);
  t.check("its photo is not kept any longer", buffer.length > 0 && !((await stored(next)) ?? []).includes("bytes"));
  await next.tap("#last");
  await screen(next, "done", 20000);
  t.check("the button leads to its picture", new Set(mock.booth.orders.slice(before).map(({ key }) => key)).size === 1);
}

// No page is open: the browser asks the service worker to send it, as Chromium does when a network is back.
async function inTheBackground(t, mock) {
  for (const isCancelled of [false, true]) {
    const page = await visit(t, mock);
    const context = page.context();
    const other = await context.newPage();
    await other.goto(`${mock.url}healthz`);
    const browser = await context.newCDPSession(other);
    let registrationId = null;
    browser.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      registrationId = registrations.find(({ isDeleted }) => !isDeleted)?.registrationId ?? registrationId;
    });
    await browser.send("ServiceWorker.enable");
    await choosePhoto(page);
    await context.setOffline(true);
    const before = mock.booth.orders.length;
    await page.tap("#make");
    await says(page, "#heading-work", /waits for the network/);
    await page.waitForTimeout(300);
    if (isCancelled) {
      await page.tap("#cancel");
      await screen(page, "style");
      await page.waitForTimeout(300);
    }
    await page.close();
    await context.setOffline(false);
    await eventually(other, () => registrationId !== null);
    await browser.send("ServiceWorker.dispatchSyncEvent", { origin: new URL(mock.url).origin, registrationId, tag: "carrier-order", lastChance: false });
    if (isCancelled) {
      await other.waitForTimeout(1500);
      t.check("what was cancelled is not", mock.booth.orders.length === before, mock.booth.orders.length - before);
      continue;
    }
    t.check("an order is sent while no page is open", await eventually(other, () => mock.booth.orders.length === before + 1), registrationId);
    await eventually(other, async () => JSON.stringify(await stored(other)) === '["sent","at"]');
    await other.goto(`${mock.url}booth`);
    await other.waitForSelector("#last:not([hidden])");
    await other.tap("#last");
    await screen(other, "done", 20000);
    t.check("and its picture is found by the next visit", mock.booth.orders.length === before + 1);
  }
}

async function upgrade(t, mock) {
  const page = await visit(t, mock);
  const [first] = await versions(page);
  mock.edition = "next";
  await page.reload();
  const edition = () => page.evaluate(() => document.documentElement.dataset.edition);
  t.check("a new version of the station is used at the next load", (await edition()) === "next");
  let names = [];
  const replaced = await eventually(page, async () => {
    names = await versions(page);
    return names.length === 1 && names[0] !== first;
  });
  t.check("and replaces the old one", replaced, names.join());
  await page.context().setOffline(true);
  await page.reload();
  t.check("without a network, too", (await edition()) === "next");
  await page.context().setOffline(false);
  mock.edition = "";
}

async function shared(t, mock) {
  const page = await visit(t, mock);
  await page.goto(`${mock.url}booth?kiosk`);
  await page.waitForSelector("#attract");
  const left = () => page.evaluate(async () => (await caches.keys()).length + (await navigator.serviceWorker.getRegistrations()).length);
  t.check("a device that visitors share keeps nothing", await eventually(page, async () => (await left()) === 0));
  const names = await page.evaluate(() => Object.keys(localStorage));
  t.check("no styles either", !names.includes("carrier.booth.offer"), names.join());
  await page.context().setOffline(true);
  const opened = await page.reload().then(() => true, () => false);
  t.check("and does not open without a network", !opened);
}
