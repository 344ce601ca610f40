import { boothPage, choosePhoto, photo, screen, withMock } from "../harness/booth.mjs";
import { visibleText } from "../harness/eyes.mjs";

export const title = "the visitor's own picture on the cards of styles, and the crop to a portrait";
export const limitMs = 180000;

const SIZES = { phone: [390, 844], small: [320, 568], tablet: [1024, 768] };

export async function run(t) {
  await withMock(t, async (mock) => {
    mock.booth.styles = mock.booth.styles.filter(({ made_by }) => made_by === "laptop");
    await examples(t, mock);
    await own(t, mock);
    await portrait(t, mock);
  });
}

// Without previews the cards are as they were.
async function examples(t, mock) {
  const page = await boothPage(t, mock);
  await choosePhoto(page);
  await page.waitForTimeout(500);
  const drawn = await page.locator("#styles .card .example").count();
  t.check("without previews each card shows its example", drawn === 2 && (await page.locator(".own").count()) === 0, drawn);
  const said = await visibleText(page, "#screen-style");
  t.check("that the laptop makes the styles is said once", said.match(/made on this laptop/g)?.length === 1, said);
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function own(t, mock) {
  const page = await boothPage(t, mock);
  await sheet(page, mock, null);
  await choosePhoto(page);
  await page.waitForSelector(".card:has([value=painting]) .own");
  const colours = await page.evaluate(() =>
    [...document.querySelectorAll("#styles .own")].map((canvas) => {
      const [red, , blue] = canvas.getContext("2d").getImageData(144, 108, 1, 1).data;
      return red > blue ? "red" : "blue";
    }),
  );
  t.check("each card shows its own part of the sheet", colours.join() === "red,blue", colours.join());
  const examples = await page.evaluate(() =>
    [...document.querySelectorAll("#styles .example:not(.own)")].filter((example) => example.checkVisibility()).length);
  t.check("the examples are hidden", examples === 0, examples);
  t.check("no portrait is offered without one face", !(await page.isVisible("#crop")));
  await page.tap("#make");
  await screen(page, "work");
  t.check("nothing is left on the cards when the visitor goes on", (await page.locator(".own").count()) === 0);
  await screen(page, "done");
}

async function portrait(t, mock) {
  for (const [name, [width, height]] of Object.entries(SIZES)) {
    const page = await boothPage(t, mock, { viewport: { width, height } });
    await sheet(page, mock, "0.25,0.1,0.5,0.46875");
    const before = mock.booth.previewed;
    await choosePhoto(page, await photo(page, 900, 1200));
    await page.waitForSelector("#crop:not([hidden])");
    await t.shot(page, `booth-previews-${name}`);
    await page.tap("#crop");
    await page.waitForFunction(() => document.querySelector("#picture").naturalWidth === 450);
    const size = await page.evaluate(() => {
      const { naturalWidth, naturalHeight } = document.querySelector("#picture");
      return [naturalWidth, naturalHeight].join("x");
    });
    t.check(`one tap crops to the portrait (${name})`, size === "450x563" || size === "450x562", size);
    await page.waitForSelector(".own");
    t.check("the portrait gets previews of its own", mock.booth.previewed === before + 2, mock.booth.previewed - before);
    await page.waitForFunction(() => document.querySelector("#crop").textContent === "The whole picture");
    await t.shot(page, `booth-portrait-${name}`);
    await page.tap("#crop");
    await page.waitForFunction(() => document.querySelector("#picture").naturalWidth === 900);
    t.check("another tap takes it back", (await page.textContent("#crop")) === "Crop to a portrait");
    t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
  }
}

// A sheet of a red and a blue picture.
async function sheet(page, mock, area) {
  const text = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(288, 432);
    const pen = canvas.getContext("2d", { alpha: false });
    ["#c33", "#33c"].forEach((colour, at) => {
      pen.fillStyle = colour;
      pen.fillRect(0, at * 216, 288, 216);
    });
    const blob = await canvas.convertToBlob({ type: "image/jpeg" });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  });
  mock.booth.previews = { sheet: Buffer.from(text, "base64"), styles: ["pencil", "painting"], portrait: area };
}
