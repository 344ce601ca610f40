import { stateIs, visibleText } from "../harness/eyes.mjs";
import { liveStatus } from "../mock/status.mjs";

export const title = "notices for every problem";

const CASES = [
  {
    name: "camera-unplugged",
    change: (s) =>
      Object.assign(s.source, { state: "lost", reason: "Camera unplugged. Waiting for it." }),
    words: "Camera unplugged. Waiting for it.",
  },
  {
    name: "no-model",
    change: (s) =>
      Object.assign(s.detector, {
        state: "missing",
        model: null,
        message: "No model installed",
        fix: "carrier models pull yolox_nano",
      }),
    words: "No model installed: run carrier models pull yolox_nano",
  },
  {
    name: "no-webcam",
    change: (s) => (s.source.note = "No webcam found: this is the built-in test scene"),
    words: "No webcam found: this is the built-in test scene.",
  },
];

// The test writes the station's status, so that it can cause each problem.
export async function run(t) {
  const said = liveStatus();
  const page = await t.page({
    before: (blank) =>
      blank.route("**/api/status", (route) =>
        route.fulfill({ json: { ...said, uptime_s: 5, viewers: 1 } }),
      ),
  });
  await stateIs(page, "live");
  for (const { name, change, words } of CASES) {
    Object.assign(said, liveStatus());
    change(said);
    await page
      .waitForFunction(
        (text) => document.getElementById("notices").innerText.includes(text),
        words,
        { timeout: 5000 },
      )
      .catch(() => {});
    const shown = await visibleText(page, "#notices");
    t.check(name, shown === words, shown);
    const spoken = await page.textContent("#spoken");
    t.check("  it is announced", spoken.includes(words), spoken);
    await t.shot(page, `notice-${name}`);
  }
  Object.assign(said, liveStatus());
  await page.waitForFunction(() => document.getElementById("notices").innerText === "", null, {
    timeout: 5000,
  });
  t.check("the notice disappears when the problem is gone", true);

  said.detector.message = "<img src=x onerror=alert(1)>";
  Object.assign(said.detector, { state: "failed", fix: null });
  await page.waitForFunction(() => document.getElementById("notices").innerText.includes("<img"));
  t.check("texts of the station are not parsed as HTML", (await page.$("#notices img")) === null);

  const never = await t.page({
    before: (blank) => blank.route(/\/(whep|api\/status)/, (route) => route.abort()),
  });
  await stateIs(never, "reconnecting");
  await never.waitForTimeout(700);
  const middle = await visibleText(never, "#centre-words");
  t.check("a station that does not answer is reported", middle === "The station does not answer. Trying again.", middle);
  await t.shot(never, "no-answer");

  const slow = await t.page({
    before: (blank) => blank.route("**/whep", () => {}),
  });
  await slow.waitForTimeout(1500);
  await t.shot(slow, "connecting");
  t.check("the page says that it connects", (await visibleText(slow, "#centre-words")) === "Connecting…");
}
