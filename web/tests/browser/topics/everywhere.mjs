import { says } from "../harness/booth.mjs";
import { visibleText, stateIs } from "../harness/eyes.mjs";
import { liveStatus } from "../mock/status.mjs";

export const title = "what every page has: a link home, the theme button, a translated title";

export const limitMs = 300000;

const PAGES = { booth: "Fotobox", gallery: "Galerie", join: "Mitmachen", camera: "Kamera", "api/tracks": "zu sehen", "api/docs": "Schnittstelle" };

export async function run(t) {
  await sunlight(t);
  await home(t);
  await tracks(t);
  await letterKeys(t);
  await https(t);
  await source(t);
}

async function sunlight(t) {
  const page = await t.page();
  await stateIs(page, "live");
  await page.click("#button-sunlight");
  for (const path of Object.keys(PAGES)) {
    await page.goto(`${t.station.url}${path}`);
    const at = () => page.evaluate(() => document.documentElement.dataset.theme ?? "own");
    const came = await at();
    await page.click("#sunlight");
    const left = await at();
    const pressed = await page.getAttribute("#sunlight", "aria-pressed");
    t.check(`/${path}: the sunlight theme can be left`, came === "sunlight" && left === "own" && pressed === "false", `${came} ${left}`);
    await page.reload();
    t.check("  a reload keeps that", (await at()) === "own");
    await page.click("#sunlight");
  }
  await page.route("**/locked", async (route) => {
    const { readFile } = await import("node:fs/promises");
    const body = await readFile(new URL("../../../pages/locked.html", import.meta.url));
    return route.fulfill({ body, contentType: "text/html" });
  });
  await page.goto(`${t.station.url}locked`);
  await page.click("#sunlight");
  t.check("the sunlight theme can be left on the page without a token", await page.evaluate(() => !document.documentElement.dataset.theme));
}

async function home(t) {
  for (const [path, word] of Object.entries(PAGES)) {
    const page = await t.page({ address: `${t.station.url}${path}`, locale: "de-DE" });
    await page.waitForFunction(() => document.documentElement.lang === "de");
    const title = await page.title();
    t.check(`/${path}: a title in the visitor's language`, title.startsWith("carrier: ") && title.includes(word), title);
    await page.click("a.home");
    await page.waitForURL(t.station.url);
    t.check("  a link home", true);
    await page.context().close();
  }
}

async function tracks(t) {
  const page = await t.page({ address: `${t.station.url}api/tracks` });
  await page.waitForFunction(() => /\d %/.test(document.getElementById("tracks").innerText) || !document.getElementById("none").hidden);
  t.check("the address of the tracks shows a page to people", true, await visibleText(page, "main"));
  const kind = await page.evaluate(async () => {
    const abort = new AbortController();
    const response = await fetch("/api/tracks", { signal: abort.signal });
    abort.abort();
    return response.headers.get("Content-Type");
  });
  t.check("the address of the tracks sends events to programs", kind === "text/event-stream", kind);
  await t.shot(page, "tracks");
}

async function letterKeys(t) {
  const page = await t.page({ locale: "de-DE" });
  await stateIs(page, "live");
  await page.waitForFunction(() => document.documentElement.lang === "de");
  await page.click("#button-statistics");
  await page.uncheck("#keys");
  await page.evaluate(() => document.activeElement.blur());
  const open = () => page.isVisible("#statistics");
  await page.keyboard.press("s");
  await page.keyboard.press("l");
  const untouched = (await open()) && (await page.evaluate(() => !document.documentElement.dataset.theme));
  t.check("letter keys can be turned off", untouched);
  const told = await page.evaluate(() =>
    [...document.querySelectorAll("#dock button, #dock a")].map((button) => button.title + (button.getAttribute("aria-keyshortcuts") ?? "")).join(", "),
  );
  t.check("titles no longer name letter keys", !/\(\w\)/.test(told), told);
  await page.keyboard.press("Escape");
  t.check("Escape still works", !(await open()));
  await page.reload();
  await stateIs(page, "live");
  await page.keyboard.press("s");
  t.check("a reload keeps letter keys off", !(await open()));
  await page.click("#button-statistics");
  await page.check("#keys");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("s");
  const title = await page.getAttribute("#button-statistics", "title");
  t.check("letter keys can be turned on again", !(await open()) && /\(S\)$/.test(title), title);
}

// Over plain HTTP the camera page explains how to enable HTTPS.
async function https(t) {
  const page = await t.page({
    address: null,
    before: (blank) => blank.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false })),
  });
  await page.route("**/api/status", (route) => route.fulfill({ json: { ...liveStatus(), https_port: null } }));
  await page.goto(`${t.station.url}camera`);
  await page.waitForSelector("#secure-nowhere:not([hidden])");
  const words = await visibleText(page, "#secure-nowhere");
  t.check("without HTTPS the page names the option that enables it", words.includes("--listen-tls [::]:8443") && !words.includes("self_signed"), words);
}

// Notices of changes of the source.
async function source(t) {
  const said = { ...liveStatus(), uptime_s: 5, viewers: 1 };
  const page = await t.page({
    before: (blank) => blank.route("**/api/status", (route) => route.fulfill({ json: said })),
  });
  await stateIs(page, "live");
  const told = (pattern) => says(page, "#notices", pattern);
  await page.waitForTimeout(2500);
  t.check("no notice for an unchanged source", (await visibleText(page, "#notices")) === "");
  said.source = { ...said.source, description: "phone camera", published: true };
  t.check("a notice names another camera", await told(/The picture now comes from phone camera\./));
  const spoken = await page.textContent("#spoken");
  t.check("the notice is announced", spoken.includes("picture now comes from"), spoken);
  await t.shot(page, "source-changed");
  said.source = { ...said.source, description: "OBS" };
  t.check("a notice names the next camera", await told(/OBS/));
  said.source = { ...said.source, description: "test scene", published: false };
  t.check("a notice says that the own camera is back", await told(/own camera is back/));
  await page.waitForFunction(() => document.getElementById("notices").innerText === "", null, { timeout: 15000 });
  t.check("the notice disappears", true);
}
