import { PHONE } from "../harness/booth.mjs";
import { stateIs } from "../harness/eyes.mjs";

export const title = "labels that can be read where the picture is small";

const LETTERS_MIN_PX = 11;

export async function run(t) {
  const large = await t.page({ viewport: { width: 1280, height: 800 } });
  await stateIs(large, "live");
  await large.waitForTimeout(500);
  const early = large.requests.filter((url) => /label|api\/tracks/.test(url));
  t.check("a large picture has the painted labels alone", early.length === 0, early.join(" "));
  await large.close();

  const page = await t.page({ ...PHONE, locale: "de-DE" });
  await stateIs(page, "live");
  await page.waitForSelector("#labels span:not(.away)", { state: "attached", timeout: 20000 });
  await page.waitForTimeout(1500);
  const { labels, picture } = await seen(page);
  const sizes = labels.map(({ letters }) => letters);
  t.check("letters are large enough", sizes.length > 0 && Math.min(...sizes) >= LETTERS_MIN_PX, sizes.join(" "));
  const isWithin = ({ left, top, right, bottom }) =>
    left >= picture.left - 1 && right <= picture.right + 1 && top >= picture.top - 1 && bottom <= picture.bottom + 1;
  t.check("labels are on the picture", labels.every(isWithin), JSON.stringify(labels));
  const texts = labels.map(({ text }) => text).join(", ");
  t.check("in the visitor's language", labels.every(({ text }) => /^\p{Lu}[\p{L} ]+ \d+%$/u.test(text)), texts);
  await t.shot(page, "labels-portrait");

  await page.setViewportSize({ width: 844, height: 390 });
  await page.waitForTimeout(700);
  t.check("a larger picture has none", (await seen(page)).labels.length === 0);
  await t.shot(page, "labels-landscape");
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

function seen(page) {
  return page.evaluate(() => {
    const { videoWidth, videoHeight } = document.querySelector("#video");
    const width = Math.min(innerWidth, (innerHeight * videoWidth) / videoHeight);
    const height = (width * videoHeight) / videoWidth;
    const [left, top] = [(innerWidth - width) / 2, (innerHeight - height) / 2];
    const spans = [...document.querySelectorAll("#labels span:not(.away)")];
    const labels = spans.map((span) => {
      const box = span.getBoundingClientRect();
      const letters = Number.parseFloat(getComputedStyle(span).fontSize);
      return { text: span.textContent, letters, left: box.left, top: box.top, right: box.right, bottom: box.bottom };
    });
    return { labels, picture: { left, top, right: left + width, bottom: top + height } };
  });
}
