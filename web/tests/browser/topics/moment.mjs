import { PHONE, fits, says, screen, withMock } from "../harness/booth.mjs";
import { stateIs, visibleText } from "../harness/eyes.mjs";

export const title = `"stylise this moment" on the live page`;

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  const early = page.requests.filter((url) => /moment|booth|\/lang(\/|$)|styles|translated/.test(url));
  t.check("nothing of it is requested before its first use", early.length === 0, early.join(" "));
  await page.keyboard.press("m");
  await page.waitForSelector("#moment .card");
  t.check("the focus is on the first style", await page.evaluate(() => document.activeElement.matches("#moment .card")));
  await page.waitForTimeout(300);
  await t.shot(page, "moment");
  await page.keyboard.press("s");
  t.check("the page's letter keys do nothing in the dialog", await page.isHidden("#statistics"));
  await page.keyboard.press("Escape");
  t.check("Escape closes the dialog", await page.isHidden("#moment"));
  const focus = await page.evaluate(() => document.body.contains(document.activeElement));
  t.check("the focus returns to the page", focus);

  await page.click("#button-stylise");
  await page.waitForSelector("#moment .card");
  await page.keyboard.press("Enter");
  t.check("the countdown is shown", await says(page, "#moment .count", /[1-3]/));
  await t.shot(page, "moment-count");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(3300);
  t.check("Escape cancels the countdown", !page.url().includes("booth"), page.url());

  await page.click("#button-stylise");
  await page.waitForSelector("#moment .card");
  const counted = await countsOf(page);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/booth#[0-9a-f-]{36}$/);
  t.check("the countdown runs from three to one", counted.join(" ") === "3 2 1", counted.join(" "));
  await screen(page, "done", 60000);
  t.check("the booth shows the result", await page.isVisible("#stylised"));
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");

  await withMock(t, (mock) => refused(t, mock));
}

// Collects what the countdown shows from now on; polling could miss a number on a busy machine.
async function countsOf(page) {
  const counts = [];
  await page.exposeFunction("counted", (text) => {
    if (/^[1-3]$/.test(text) && counts.at(-1) !== text) counts.push(text);
  });
  await page.evaluate(() => {
    const record = () => globalThis.counted(document.querySelector("#moment .count")?.innerText.trim() ?? "");
    new MutationObserver(record).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  return counts;
}

async function refused(t, mock) {
  const page = await t.page({ ...PHONE, address: mock.url, reducedMotion: "reduce", locale: "de-DE" });
  await stateIs(page, "live");
  await page.tap("#button-stylise");
  await page.waitForSelector("#moment .card");
  await page.waitForTimeout(300);
  const heading = await visibleText(page, "#moment h2");
  t.check("the dialog is translated", heading === "Diesen Moment stilisieren", heading);
  const { ok, detail } = await fits(page);
  t.check("the controls are large enough", ok, detail);
  await t.shot(page, "moment-phone");
  const consent = await visibleText(page, "#moment .consent");
  t.check("the consent names the picture server", /Bildserver.*überschreibt/.test(consent), consent);
  mock.booth.refuse = [{ status: 503, headers: { "Retry-After": "5" }, error: "no picture" }];
  await page.locator("#moment .card").first().tap();
  t.check("a refusal is shown in the dialog", await says(page, "#moment .said", /kein Bild/, 30000));
  await t.shot(page, "moment-refused");
  mock.booth.refuse = [{ status: 429, headers: { "Retry-After": "30" } }];
  await page.locator("#moment .card").first().tap();
  t.check("a full queue is shown with its waiting time", await says(page, "#moment .said", /30 Sekunden/, 30000));
}
