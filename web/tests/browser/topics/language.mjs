import { says } from "../harness/booth.mjs";
import { stateIs, visibleText } from "../harness/eyes.mjs";
import { liveStatus } from "../mock/status.mjs";

export const title = "the live page and the camera page in the visitor's language";

const LANG = /\/lang(\/|$)|translated/;

export async function run(t) {
  await english(t);
  await slow(t);
  await troubles(t);
  await chosen(t);
  await away(t);
  await camera(t);
}

// English needs no request.
async function english(t) {
  const page = await t.page({ locale: "en-GB" });
  await stateIs(page, "live");
  await page.waitForTimeout(500);
  const asked = () => page.requests.filter((url) => LANG.test(url));
  t.check("English requests no texts", asked().length === 0, asked().join(" "));
  await page.keyboard.press("s");
  await page.waitForFunction(() => document.querySelector("#language").options.length > 2);
  const only = asked().every((url) => /\/lang$|translated/.test(url));
  t.check("the list of languages is requested when the panel opens", only, asked().join(" "));
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
  t.check("the picture does not wait for texts", early === "en", early);
  release();
  await speaks(page, "de");
  const order = await page.evaluate(() => {
    const posted = performance.getEntriesByName("carrier:post")[0].startTime;
    const asked = performance.getEntriesByType("resource").filter(({ name }) => /\/lang(\/|$)|translated/.test(name));
    return asked.length === 3 && asked.every(({ startTime }) => startTime >= posted);
  });
  t.check("texts are requested after the offer", order);
  const dock = await visibleText(page, "#dock");
  t.check("the buttons are translated", dock === "Statistik Standbild Stilisieren Sonne Vollbild", dock);
  const title = await page.getAttribute("#button-sunlight", "title");
  t.check("the buttons' titles are translated", title === "Helle Farben für die Sonne (L)", title);
  const badge = await visibleText(page, "#badge");
  t.check("the badge is translated", /Live/.test(badge) && badge.endsWith("Nichts wird aufgezeichnet."), badge);
  const label = await page.getAttribute("main", "aria-label");
  t.check("labels for screen readers are translated", label === "Live-Bild", label);
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
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
  t.check("problems are translated", shown === words.join(" "), shown);
  const state = await visibleText(page, "#state");
  t.check("the badge shows the problem", state === "Kein Signal", state);
  const spoken = await page.textContent("#spoken");
  t.check("problems are announced", words.every((line) => spoken.includes(line)), spoken);
  await page.keyboard.press("s");
  const numbers = (await shows(page, "#stat-viewers", "1.200")) && (await visibleText(page, "#stat-detector"));
  t.check("states and numbers are formatted for the language", numbers === "ausgefallen", numbers);
  await t.shot(page, "language-troubles");
}

// Choosing a language in the panel.
async function chosen(t) {
  const page = await t.page({ address: `${t.station.url}?lang=de` });
  await stateIs(page, "live");
  await speaks(page, "de");
  await page.evaluate(() => (globalThis.same = true));
  await page.keyboard.press("s");
  const names = await page.$$eval("#language option", (all) => all.map((one) => one.textContent));
  t.check("the list has the languages", names.includes("Deutsch") && names.includes("Español"), names.join(" "));
  const now = await page.$eval("#language", (list) => list.value);
  t.check("the list shows the current language", now === "de", now);
  const sessions = () => page.requests.filter((url) => url.endsWith("/whep")).length;
  const before = { sessions: sessions(), frames: await frames(page) };
  await page.selectOption("#language", "es");
  await speaks(page, "es");
  const dock = await visibleText(page, "#dock");
  t.check("a chosen language applies at once", dock === "Datos Captura Estilizar Sol Ampliar", dock);
  await page.waitForFunction(
    (least) => document.querySelector("#video").getVideoPlaybackQuality().totalVideoFrames > least,
    before.frames + 5,
  );
  const on = sessions() === before.sessions;
  t.check("the stream continues without a reload", on && (await page.evaluate(() => globalThis.same)));
  const spoken = await page.textContent("#spoken");
  t.check("a change of language announces nothing", spoken === "", spoken);
  t.check("?lang= is removed from the address", !page.url().includes("lang"), page.url());
  await page.focus("#language");
  await page.keyboard.press("m");
  await page.waitForTimeout(300);
  t.check("letter keys do nothing in a list", (await page.$("#moment[open]")) === null);
  await page.selectOption("#language", "en");
  await speaks(page, "en");
  const back = await visibleText(page, "#dock");
  t.check("the language can be changed back", back === "Statistics Snapshot Stylise Sunlight Full screen", back);
  await page.selectOption("#language", "es");
  await speaks(page, "es");
  await page.reload();
  await stateIs(page, "live");
  t.check("a reload keeps the language", await speaks(page, "es"));
  await page.click("#button-stylise");
  t.check("the dialog of styles is translated", await shows(page, "#moment h2", "Dale estilo a este momento"));
}

// Failed requests for texts.
async function away(t) {
  let refused = 0;
  const page = await t.page({
    locale: "de-DE",
    before: (blank) =>
      blank.route(LANG, (route) => (refused++ < 3 ? route.abort() : route.continue())),
  });
  await stateIs(page, "live");
  t.check("failed requests for texts are retried", await speaks(page, "de"), `${refused - 1} requests`);
}

async function camera(t) {
  const phone = { viewport: { width: 360, height: 640 }, locale: "de-DE", address: `${t.station.url}camera` };
  const page = await t.page(phone);
  const idle = await shows(page, "#state", "Sendet nicht.");
  const help = await visibleText(page, "#token-help");
  t.check("the camera page is translated", idle && /whip_token aus ihrer/.test(help), help);
  await t.shot(page, "language-camera");
  await page.selectOption("#language", "es");
  t.check("the camera page changes its language", await shows(page, "#panel", "Empezar a enviar"));
  const insecure = await t.page({
    ...phone,
    before: (blank) => blank.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false })),
  });
  const why = await shows(insecure, "#insecure", "diese kam über einfaches HTTP");
  await insecure.waitForSelector("#secure-there:not([hidden]), #secure-nowhere:not([hidden])");
  t.check("the explanation of HTTPS is translated", why && /HTTPS/.test(await visibleText(insecure, "#secure-there, #secure-nowhere")));
  const wide = await insecure.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  t.check("the translated page fits", !wide && page.complaints.length === 0, page.complaints[0] ?? "");
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
  return says(page, selector, new RegExp(text.replace(/[.?+*()]/g, "\\$&")));
}
