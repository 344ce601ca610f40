import { marks, percentile, stateIs, watchPictures } from "../harness/eyes.mjs";

export const title = "latency, and time to the first picture";

export async function run(t) {
  const joins = [];
  let page = null;
  for (let time = 0; time < 3; time += 1) {
    page = await t.page();
    await stateIs(page, "live");
    joins.push((await marks(page)).join_ms);
    if (time < 2) await page.context().close();
  }
  const join = percentile(joins, 0.5);
  const said = joins.map((ms) => Math.round(ms)).join(", ");
  t.check("the first picture comes soon after the POST", join <= (t.real ? 200 : 2000), `${said} ms`);

  await page.waitForTimeout(2000);
  const pictures = (await watchPictures(page, 4000)).filter((p) => p.produced_ms !== null);
  const delays = pictures.map((picture) => picture.shown_ms - picture.produced_ms);
  const [middle, slow] = [percentile(delays, 0.5), percentile(delays, 0.95)];
  const numbers = `p50 ${middle?.toFixed(0)} ms, p95 ${slow?.toFixed(0)} ms of ${delays.length}`;
  // Only a bound on growing queues; the benchmark measures exact numbers on an idle machine.
  t.check("the latency by the timecode strip is low", middle !== null && middle < (t.real ? 100 : 400), numbers);

  await page.keyboard.press("s");
  await page.waitForTimeout(2500);
  const latency = await page.textContent("#stat-latency");
  t.check("the statistics show an exact latency", /^\d+ ms$/.test(latency), latency);
}
