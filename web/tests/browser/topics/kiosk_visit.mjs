import { PHONE, plainHttp, says, screen } from "../harness/booth.mjs";

export const title = "one visit on a shared device, and the picture taken home, against the program";
export const limitMs = 240000;

export async function run(t) {
  const device = await t.page({
    viewport: { width: 1024, height: 768 },
    hasTouch: true,
    address: `${t.station.url}booth?kiosk`,
    before: plainHttp,
  });
  await device.tap("#attract-begin");
  await device.waitForSelector("#live:not([hidden])");
  await device.tap("#shutter:not([disabled])");
  await screen(device, "style", 30000);
  await device.waitForSelector("#styles .card");
  t.check("the station's picture was taken", true);
  const codes = [];
  device.on("response", (answer) => answer.url().endsWith("/handover") && answer.ok() && codes.push(answer.json()));
  await device.tap("#make:not([disabled])");
  await screen(device, "done", 60000);
  t.check("it becomes a result", true);
  await device.waitForSelector("#screen-done #home-code:not([hidden])");
  await device.waitForFunction(() => document.getElementById("home-code").naturalWidth > 0);
  await t.shot(device, "kiosk-visit");
  const { secret } = await codes.at(-1);

  // Half a minute without a touch ends the visit, and a phone's page may take as long on a busy machine.
  let touches = 0;
  const touching = setInterval(() => device.mouse.move(10 + (touches++ % 2), 10).catch(() => {}), 3000);
  const phone = await t.page({ ...PHONE, address: `${t.station.url}booth#handover=${secret}`, before: plainHttp });
  await screen(phone, "done", 30000);
  await phone.waitForFunction(() => document.getElementById("stylised").naturalWidth > 0);
  t.check("the code opens the result on a phone", /#[0-9a-f-]{36}$/.test(phone.url()), phone.url());
  t.check("the device says so", await says(device, "#home-words", /on a phone now/, 15000));
  clearInterval(touching);
  await device.tap("#finish");
  await device.waitForSelector("#attract-begin:visible");
  const left = await device.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]));
  t.check("nothing of the visit is left on the device", !/[0-9a-f]{8}-[0-9a-f]{4}/.test(left), left);
  const late = await t.page({ ...PHONE, address: `${t.station.url}booth#handover=${secret}`, before: plainHttp });
  t.check("the code works once", await says(late, "#note-photo", /used already/));
  await phone.tap("#remove");
  await phone.tap("#really");
  await screen(phone, "photo");
  t.check("the phone erases it", true);
  for (const page of [device, phone]) t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}
