import { says, withMock } from "../harness/booth.mjs";
import { stateIs } from "../harness/eyes.mjs";

export const title = "the viewer chooses a rendition, and reads why it changed";

export async function run(t) {
  if (t.real) await choice(t);
  await withMock(t, (mock) => cause(t, mock));
}

async function choice(t) {
  const page = await t.page();
  await stateIs(page, "live");
  await page.click("#button-statistics");
  const names = await page
    .waitForFunction(() => {
      const values = [...document.querySelector("#quality").options].map((one) => one.value);
      return values.length > 1 && values;
    })
    .then((found) => found.jsonValue());
  t.check("the list has every rendition", names.join() === "auto,720p,360p,180p", names);
  await page.selectOption("#quality", "180p");
  t.check("the running session changes to the chosen one", await hasHeight(page, 180), "180p");
  await page.reload();
  await stateIs(page, "live");
  t.check("a reload keeps the choice", await hasHeight(page, 180), "180p");
  await page.click("#button-statistics");
  await page.selectOption("#quality", "auto");
  t.check("auto returns to the highest rendition", await hasHeight(page, 720), "720p");
}

async function cause(t, mock) {
  const before = await t.page({ address: mock.url });
  await stateIs(before, "live");
  await before.click("#button-statistics");
  await before.waitForFunction(() => /\d/.test(document.getElementById("stat-fps").textContent));
  t.check("no cause without a change of rendition", await before.isHidden("#line-change"));
  await before.context().close();
  mock.renditionChange = "queueing_delay";
  const page = await t.page({ address: mock.url });
  await stateIs(page, "live");
  await page.click("#button-statistics");
  t.check("the statistics name the cause", await says(page, "#line-change", /because\s+packets queue up/));
  await t.shot(page, "rendition-change");
  mock.renditionChange = null;
}

function hasHeight(page, wanted) {
  return page
    .waitForFunction((px) => document.querySelector("#video").videoHeight === px, wanted, { timeout: 10_000 })
    .then(
      () => true,
      () => false,
    );
}
