import { stateIs, visibleText } from "../harness/eyes.mjs";
import { liveStatus } from "../mock/status.mjs";

export const title = "plain words for every trouble";

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

// The station's answer is written here, so that each trouble can be had at will.
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
    t.check("  and spoken", spoken.includes(words), spoken);
    await t.shot(page, `notice-${name}`);
  }
  Object.assign(said, liveStatus());
  await page.waitForFunction(() => document.getElementById("notices").innerText === "", null, {
    timeout: 5000,
  });
  t.check("gone when all is well", true);

  said.detector.message = "<img src=x onerror=alert(1)>";
  Object.assign(said.detector, { state: "failed", fix: null });
  await page.waitForFunction(() => document.getElementById("notices").innerText.includes("<img"));
  t.check("words are words, never markup", (await page.$("#notices img")) === null);

  const never = await t.page({
    before: (blank) => blank.route(/\/(whep|api\/status)/, (route) => route.abort()),
  });
  await stateIs(never, "reconnecting");
  await never.waitForTimeout(700);
  const middle = await visibleText(never, "#centre-words");
  t.check("no answer at all", middle === "The station does not answer. Trying again.", middle);
  await t.shot(never, "no-answer");

  const slow = await t.page({
    before: (blank) => blank.route("**/whep", () => {}),
  });
  await slow.waitForTimeout(1500);
  await t.shot(slow, "connecting");
  t.check("connecting", (await visibleText(slow, "#centre-words")) === "Connecting…");
}
