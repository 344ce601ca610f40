export const title = "the page of the interface: operations, their rights, search, by keyboard";

export const limitMs = 120000;

export async function run(t) {
  const page = await t.page({ address: `${t.station.url}api/docs` });
  await page.waitForSelector("#get-api-shutter");
  await t.shot(page, "docs");
  await page.fill("#filter", "shutter admin");
  const shown = () => page.$$eval("details", (all) => all.filter((one) => one.checkVisibility()).map((one) => one.id));
  const found = await shown();
  t.check("the search keeps what has every word", found.includes("put-api-shutter") && !found.includes("get-api-shutter"), found.join(" "));
  await page.fill("#filter", "no such words");
  t.check("a search without a result says so", (await page.isVisible("#none")) && (await shown()).length === 0);
  await page.fill("#filter", "");
  await page.focus("#put-api-shutter summary");
  await page.keyboard.press("Enter");
  const text = await page.innerText("#put-api-shutter");
  t.check("the keyboard opens an operation, which says what it needs", /Needs the admin token/.test(text), text);
  t.check("its body and answer are listed", /closed\s+boolean/.test(text) && /Answer 200/.test(text), text);
  const at = await t.page({ address: `${t.station.url}api/docs#put-api-shutter` });
  await at.waitForSelector("#put-api-shutter[open]");
  t.check("a link leads to an operation", true);
  await t.shot(at, "docs-operation");
}
