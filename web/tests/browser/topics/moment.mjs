import { PHONE, fits, says, screen, withMock } from "../harness/booth.mjs";
import { stateIs, visibleText } from "../harness/eyes.mjs";

export const title = "stylise this moment, from the live picture";

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  const early = page.requests.filter((url) => /moment|booth|\/lang(\/|$)|styles|translated/.test(url));
  t.check("nothing of it is fetched before it is asked for", early.length === 0, early.join(" "));
  await page.keyboard.press("m");
  await page.waitForSelector("#moment .card");
  t.check("the focus is on the first style", await page.evaluate(() => document.activeElement.matches("#moment .card")));
  await page.waitForTimeout(300);
  await t.shot(page, "moment");
  await page.keyboard.press("s");
  t.check("the page's keys rest meanwhile", await page.isHidden("#statistics"));
  await page.keyboard.press("Escape");
  t.check("Escape shuts it", await page.isHidden("#moment"));
  const focus = await page.evaluate(() => document.body.contains(document.activeElement));
  t.check("and the focus is the page's", focus);

  await page.click("#button-stylise");
  await page.waitForSelector("#moment .card");
  await page.keyboard.press("Enter");
  t.check("three", await says(page, "#moment .count", /3/));
  await t.shot(page, "moment-count");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(3300);
  t.check("Escape calls it off", !page.url().includes("booth"), page.url());

  await page.click("#button-stylise");
  await page.waitForSelector("#moment .card");
  const counted = await countdown(page);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/booth#[0-9a-f-]{36}$/);
  t.check("it counts three, two, one", counted.join(" ") === "3 2 1", counted.join(" "));
  await screen(page, "done", 60000);
  t.check("and the booth shows it", await page.isVisible("#stylised"));
  t.check("no complaints from the browser", page.complaints.length === 0, page.complaints[0] ?? "");

  await withMock(t, (mock) => refused(t, mock));
}

// Every number of the countdown, however briefly it is shown.
async function countdown(page) {
  const counted = [];
  await page.exposeFunction("noteCount", (text) => counted.at(-1) !== text && counted.push(text));
  await page.evaluate(() => {
    const note = () => {
      const text = document.querySelector("#moment .count")?.textContent.trim();
      if (/^[0-9]$/.test(text ?? "")) window.noteCount(text);
    };
    new MutationObserver(note).observe(document.querySelector("#moment"), {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  return counted;
}

async function refused(t, mock) {
  const page = await t.page({ ...PHONE, address: mock.url, reducedMotion: "reduce", locale: "de-DE" });
  await stateIs(page, "live");
  await page.tap("#button-stylise");
  await page.waitForSelector("#moment .card");
  await page.waitForTimeout(300);
  const heading = await visibleText(page, "#moment h2");
  t.check("in the visitor's language", heading === "Diesen Moment stilisieren", heading);
  const { ok, detail } = await fits(page);
  t.check("large enough for a thumb", ok, detail);
  await t.shot(page, "moment-phone");
  const consent = await visibleText(page, "#moment .consent");
  t.check("and where the picture goes", /Bildserver.*überschreibt/.test(consent), consent);
  mock.booth.refuse = [{ status: 503, headers: { "Retry-After": "5" }, error: "no picture" }];
  await page.locator("#moment .card").first().tap();
  t.check("a refusal is said where the styles are", await says(page, "#moment .said", /kein Bild/));
  await t.shot(page, "moment-refused");
  mock.booth.refuse = [{ status: 429, headers: { "Retry-After": "30" } }];
  await page.locator("#moment .card").first().tap();
  t.check("a full queue too, with the time", await says(page, "#moment .said", /30 Sekunden/));
}
