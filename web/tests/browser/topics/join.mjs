import { says, withMock } from "../harness/booth.mjs";

export const title = "the page with the QR codes, on screen and printed";

export async function run(t) {
  const own = await t.page({ address: `${t.station.url}join` });
  await own.waitForFunction(() => document.getElementById("booth-code").naturalWidth > 0);
  const address = await own.textContent("#booth-address");
  t.check("the address of this station's booth is shown", /\/booth$/.test(address), address);
  await withMock(t, (mock) => codes(t, mock));
}

async function codes(t, mock) {
  const page = await t.page({ address: `${mock.url}join` });
  await page.waitForSelector("#wifi:not([hidden])");
  t.check("the network's name is shown", await says(page, "#ssid", /carrier & friends/));
  await page.waitForTimeout(200);
  await t.shot(page, "join-laptop");
  const side = (await page.locator("#booth-code").boundingBox()).width;
  t.check("the code is large on a laptop", side >= 400, side);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)?.length;
  const size = pdf.toString("latin1").match(/\/MediaBox\s*\[[^\]]*\]/)?.[0];
  t.check("it is printed on one sheet of A4", pages === 1 && /594|595/.test(size), `${pages} of ${size}`);
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 688, height: 1017 }); // A4 less its margins, at 96 px an inch
  await t.shot(page, "join-print");
  await page.emulateMedia({ media: "screen" });

  const before = await page.getAttribute("#booth-code", "src");
  mock.booth.join = { ...mock.booth.join, booth_url: "http://10.0.0.7:8080/booth" };
  t.check("a new address is shown", await says(page, "#booth-address", /10\.0\.0\.7/, 15000));
  t.check("a new code is fetched", (await page.getAttribute("#booth-code", "src")) !== before);
  mock.booth.join = { ...mock.booth.join, wifi: null };
  const phone = await t.page({ address: `${mock.url}join`, viewport: { width: 320, height: 568 }, locale: "de" });
  await phone.waitForFunction(() => document.getElementById("booth-code").naturalWidth > 0);
  t.check("without a network's name there is one code", (await phone.isHidden("#wifi")) && (await phone.textContent("#booth-number")) === "1");
  t.check("the page is translated", await says(phone, "#booth h2", /Fotobox/));
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
  t.check("the page fits a small phone", wide <= 320, wide);
  await t.shot(phone, "join-phone");
}
