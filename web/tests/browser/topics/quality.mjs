import { stateIs } from "../harness/eyes.mjs";

export const title = "the viewer chooses a rendition";

export async function run(t) {
  if (!t.real) return t.skip("the mock has one rendition");
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
  t.check("the running session changes", await height(page, 180), "180p");
  await page.reload();
  await stateIs(page, "live");
  t.check("the tab remembers it", await height(page, 180), "180p");
  await page.click("#button-statistics");
  await page.selectOption("#quality", "auto");
  t.check("and leaves it to the network again", await height(page, 720), "720p");
}

function height(page, wanted) {
  return page
    .waitForFunction((px) => document.querySelector("#video").videoHeight === px, wanted, {
      timeout: 10_000,
    })
    .then(
      () => true,
      () => false,
    );
}
