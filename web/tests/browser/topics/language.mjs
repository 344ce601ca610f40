import { stateIs, visibleText } from "../harness/eyes.mjs";
import { liveStatus } from "../mock/status.mjs";

export const title = "the live page and the camera's in the visitor's language";

const LANG = /\/lang(\/|$)|translated/;

export async function run(t) {
  await english(t);
  await slow(t);
  await troubles(t);
  await chosen(t);
  await away(t);
  await camera(t);
}

// Whoever wants English has it without asking.
async function english(t) {
  const page = await t.page({ locale: "en-GB" });
  await stateIs(page, "live");
  await page.waitForTimeout(500);
  const asked = () => page.requests.filter((url) => LANG.test(url));
  t.check("English asks for no words", asked().length === 0, asked().join(" "));
  await page.keyboard.press("s");
  await page.waitForFunction(() => document.querySelector("#language").options.length > 2);
  const only = asked().every((url) => /\/lang$|translated/.test(url));
  t.check("the languages are asked for with the list", only, asked().join(" "));
}

async function slow(t) {
  let release;
  const held = new Promise((done) => (release = done));
  const page = await t.page({
    locale: "de-AT",
    before: (blank) =>
      blank.route("**/lang/de.json", async (route) => {
        await held;
        await route.continue();
      }),
  });
  await stateIs(page, "live");
  const early = await page.evaluate(() => document.documentElement.lang);
  t.check("the picture does not wait for words", early === "en", early);
  release();
  await speaks(page, "de");
  const order = await page.evaluate(() => {
    const posted = performance.getEntriesByName("carrier:post")[0].startTime;
    const asked = performance.getEntriesByType("resource").filter(({ name }) => /\/lang(\/|$)|translated/.test(name));
    return asked.length === 3 && asked.every(({ startTime }) => startTime >= posted);
  });
  t.check("words are asked for after the offer", order);
  const dock = await visibleText(page, "#dock");
  t.check("buttons", dock === "Statistik Standbild Stilisieren Sonne Vollbild", dock);
  const title = await page.getAttribute("#button-sunlight", "title");
  t.check("their titles", title === "Helle Farben für die Sonne (L)", title);
  const badge = await visibleText(page, "#badge");
  t.check("badge", badge.endsWith("Live"), badge);
  const label = await page.getAttribute("main", "aria-label");
  t.check("labels for who listens", label === "Live-Bild", label);
  t.check("the browser has nothing to complain", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function troubles(t) {
  const said = liveStatus();
  const page = await t.page({
    locale: "de-DE",
    before: (blank) =>
      blank.route("**/api/status", (route) =>
        route.fulfill({ json: { ...said, uptime_s: 5, viewers: 1200 } }),
      ),
  });
  await stateIs(page, "live");
  await speaks(page, "de");
  Object.assign(said.source, { state: "lost", reason: null });
  Object.assign(said.detector, { state: "failed", fix: "carrier doctor" });
  const words = [
    "Kein Bild von der Kamera. Warten, bis sie wieder da ist.",
    "Die Erkennung ist stehen geblieben: carrier doctor ausführen",
  ];
  await shows(page, "#notices", words[1]);
  const shown = await visibleText(page, "#notices");
  t.check("troubles", shown === words.join(" "), shown);
  const state = await visibleText(page, "#state");
  t.check("and the badge", state === "Kein Signal", state);
  const spoken = await page.textContent("#spoken");
  t.check("and spoken", words.every((line) => spoken.includes(line)), spoken);
  await page.keyboard.press("s");
  const numbers = (await shows(page, "#stat-viewers", "1.200")) && (await visibleText(page, "#stat-detector"));
  t.check("states and numbers", numbers === "ausgefallen", numbers);
  await t.shot(page, "language-troubles");
}

// In the panel: no reload, and the stream goes on.
async function chosen(t) {
  const page = await t.page({ address: `${t.station.url}?lang=de` });
  await stateIs(page, "live");
  await speaks(page, "de");
  await page.evaluate(() => (globalThis.same = true));
  await page.keyboard.press("s");
  const names = await page.$$eval("#language option", (all) => all.map((one) => one.textContent));
  t.check("the list", names.includes("Deutsch") && names.includes("Español"), names.join(" "));
  const now = await page.$eval("#language", (list) => list.value);
  t.check("stands on what is spoken", now === "de", now);
  const sessions = () => page.requests.filter((url) => url.endsWith("/whep")).length;
  const before = { sessions: sessions(), frames: await frames(page) };
  await page.selectOption("#language", "es");
  await speaks(page, "es");
  const dock = await visibleText(page, "#dock");
  t.check("another one at once", dock === "Datos Captura Estilizar Sol Ampliar", dock);
  await page.waitForFunction(
    (least) => document.querySelector("#video").getVideoPlaybackQuality().totalVideoFrames > least,
    before.frames + 5,
  );
  const on = sessions() === before.sessions;
  t.check("and the stream goes on", on && (await page.evaluate(() => globalThis.same)));
  const spoken = await page.textContent("#spoken");
  t.check("nothing is said twice", spoken === "", spoken);
  t.check("the address says no other", !page.url().includes("lang"), page.url());
  await page.focus("#language");
  await page.keyboard.press("m");
  await page.waitForTimeout(300);
  t.check("letters in the list are the list's", (await page.$("#moment[open]")) === null);
  await page.selectOption("#language", "en");
  await speaks(page, "en");
  const back = await visibleText(page, "#dock");
  t.check("and back", back === "Statistics Snapshot Stylise Sunlight Full screen", back);
  await page.selectOption("#language", "es");
  await speaks(page, "es");
  await page.reload();
  await stateIs(page, "live");
  t.check("remembered", await speaks(page, "es"));
  await page.click("#button-stylise");
  t.check("the sheet of styles speaks it too", await shows(page, "#moment h2", "Dale estilo a este momento"));
}

// Words that do not come are asked for again.
async function away(t) {
  let refused = 0;
  const page = await t.page({
    locale: "de-DE",
    before: (blank) =>
      blank.route(LANG, (route) => (refused++ < 3 ? route.abort() : route.continue())),
  });
  await stateIs(page, "live");
  t.check("asked for until they come", await speaks(page, "de"), `${refused - 1} requests`);
}

async function camera(t) {
  const phone = { viewport: { width: 360, height: 640 }, locale: "de-DE", address: `${t.station.url}camera` };
  const page = await t.page(phone);
  const idle = await shows(page, "#state", "Sendet nicht.");
  const help = await visibleText(page, "#token-help");
  t.check("the camera page", idle && /whip_token aus ihrer/.test(help), help);
  await t.shot(page, "language-camera");
  await page.selectOption("#language", "es");
  t.check("in another", await shows(page, "#panel", "Empezar a enviar"));
  const insecure = await t.page({
    ...phone,
    before: (blank) => blank.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false })),
  });
  const why = await shows(insecure, "#insecure", "diese kam über einfaches HTTP");
  await insecure.waitForSelector("#secure-there:not([hidden]), #secure-nowhere:not([hidden])");
  t.check("and what is missing there", why && /HTTPS/.test(await visibleText(insecure, "#secure-there, #secure-nowhere")));
  const wide = await insecure.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  t.check("it fits", !wide && page.complaints.length === 0, page.complaints[0] ?? "");
  await t.shot(insecure, "language-camera-insecure");
}

function frames(page) {
  return page.$eval("#video", (video) => video.getVideoPlaybackQuality().totalVideoFrames);
}

function speaks(page, code) {
  return page
    .waitForFunction((lang) => document.documentElement.lang === lang, code, { timeout: 10000 })
    .then(
      () => true,
      () => false,
    );
}

function shows(page, selector, text) {
  return page
    .waitForFunction(([s, words]) => document.querySelector(s)?.innerText.includes(words), [selector, text], {
      timeout: 8000,
    })
    .then(
      () => true,
      () => false,
    );
}
