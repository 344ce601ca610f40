import { randomUUID } from "node:crypto";
import { choosePhoto, plainHttp, screen, withMock } from "../harness/booth.mjs";
import { stateIs } from "../harness/eyes.mjs";
import { covering, layoutFaults } from "../harness/layout.mjs";
import { key } from "../mock/play.mjs";
import { liveStatus } from "../mock/status.mjs";

export const title = "every page at every size and zoom, in every language: no cut text, all controls reachable";
export const limitMs = 900000;

// Phones and laptops; a laptop at 200 % and at 400 % zoom, a phone at 200 %.
const SIZES = ["360x640", "390x844", "844x390", "1280x720", "1920x1080", "640x360", "480x270", "320x180", "320x256", "180x320"];
const SMALL = ["480x270", "320x180", "320x256", "180x320"];
const LANGUAGES = ["en", "de", "es"];
const TITLES = ["Pencil sketch", "Colour pencils", "Watercolour", "Oil painting", "Pop art", "Claymation", "Comic book", "Cyberpunk"];

export async function run(t) {
  await withMock(t, async (mock) => {
    mock.booth.styles = TITLES.map((title, index) => ({
      id: title.toLowerCase().replace(" ", "-"),
      title,
      made_by: index % 3 ? "laptop" : "comfyui",
      example: null,
    }));
    const picture = Buffer.from(await (await fetch(`${mock.url}snapshot.jpg`)).arrayBuffer());
    const [{ id: style }] = mock.booth.styles;
    mock.booth.addShown({ id: randomUUID(), style, made_by: "laptop", result: picture });
    for (const language of LANGUAGES) {
      for (const [name, scene] of Object.entries(SCENES)) await look(t, mock, language, name, scene);
    }
  });
}

const SCENES = {
  connecting: { path: "", unanswered: "**/whep", open: (page) => stateIs(page, "connecting") },
  live: { path: "", open: (page) => stateIs(page, "live") },
  statistics: {
    path: "",
    async open(page) {
      await stateIs(page, "live");
      await page.keyboard.press("s");
      await page.waitForFunction(() => /\d/.test(document.getElementById("stat-latency").textContent));
    },
  },
  "without a runtime": {
    path: "",
    async open(page) {
      await stateIs(page, "live");
      await page.waitForSelector("#notices .notice");
    },
    status: noRuntime,
  },
  "the styles over it": {
    path: "",
    async open(page) {
      await stateIs(page, "live");
      await page.keyboard.press("m");
      await page.waitForSelector("#moment .card");
    },
  },
  booth: { path: "booth", open: () => {} },
  "its styles": { path: "booth", open: (page) => choosePhoto(page) },
  "its result": { path: "booth", open: (page) => made(page) },
  "its question": {
    path: "booth",
    async open(page) {
      await made(page);
      await page.click("#remove");
    },
  },
  gallery: { path: "gallery", open: (page) => page.waitForSelector("#grid img") },
  games: { path: "play", open: (page) => page.waitForSelector(".game") },
  "a hunt": { path: "play", open: (page, mock) => round(page, mock, mock.play.hunt("remote", { score: 340, rows: [key("play.object-hunt.sees", { what: key("play.target.teddy-bear") })] })) },
  "a poll": {
    path: "play",
    open(page, mock) {
      const text = { en: "Early bird or night owl?", de: "Frühaufsteher oder Nachtmensch?", es: "¿Madrugas o trasnochas?" };
      const sides = [{ en: "Early bird", de: "Frühaufsteher", es: "Madrugo" }, { en: "Night owl", de: "Nachtmensch", es: "Trasnocho" }].map((answer) => ({ text: answer, persons: 12, is_chosen: answer.en === "Night owl" }));
      return round(page, mock, mock.play.viewOf("left-or-right", { line: text, sides, rows: [key("play.left-or-right.wins", { answer: sides[1].text, more: 12, fewer: 3 })] }));
    },
  },
  "the result of a hunt": {
    path: "play",
    async open(page, mock) {
      await page.click('[data-game="object-hunt"]');
      await page.waitForSelector("#own:not([hidden])");
      mock.play.finish();
      await page.waitForSelector("#strip:not([hidden])");
      await page.click("#take");
      await page.waitForSelector("#take-code:not([hidden])");
    },
  },
  "a picture, large": {
    path: "gallery",
    async open(page) {
      await page.waitForSelector("#grid img");
      await page.click(".thumb");
    },
  },
  slideshow: { path: "gallery?slideshow", open: (page) => page.waitForSelector(".slide.on") },
  join: { path: "join", open: (page) => page.waitForSelector("#wifi:not([hidden])") },
  control: { path: "admin", open: (page) => page.waitForSelector("#entry:not([hidden])") },
  "control, signed in": {
    path: "admin#token=let-me-rule",
    unanswered: "**/whep",
    async open(page) {
      await page.waitForSelector("[data-key='privacy.mode']");
      for (const id of ["masks", "viewers", "booth", "games", "join", "health", "audit", "log"]) await page.click(`#${id} > summary`);
      await page.waitForSelector("#log-list li");
    },
  },
  docs: { path: "api/docs", open: (page) => page.click("#get-api-shutter summary") },
  tracks: { path: "api/tracks", open: (page) => page.waitForSelector("#tracks li") },
  camera: { path: "camera", open: () => {}, secure: true },
  "camera over plain HTTP": { path: "camera", open: (page) => page.waitForSelector("#secure-nowhere:not([hidden])") },
};

async function round(page, mock, view) {
  await page.waitForSelector(".game");
  mock.play.set({ view, games: mock.play.refuseAll(key("play.start.round-running")) });
  await page.waitForSelector("#live:not([hidden])");
}

async function made(page) {
  await choosePhoto(page);
  await page.click("#make");
  await screen(page, "done");
}

function noRuntime(status) {
  Object.assign(status.detector, {
    state: "missing",
    message: "ONNX Runtime is not installed; looked for libonnxruntime.so in /home/somebody/.cache/carrier/runtime/cpu/onnxruntime/capi. `make runtime` fetches it",
    fix: "make runtime",
  });
}

async function look(t, mock, language, name, { path, open, secure, status, unanswered }) {
  mock.play.reset();
  const page = await t.page({
    address: null,
    locale: language,
    reducedMotion: "reduce",
    before: async (blank) => {
      if (!secure) await plainHttp(blank);
      if (unanswered) await blank.route(unanswered, () => {});
      if (!status) return;
      const said = liveStatus();
      status(said);
      await blank.route("**/api/status", (route) => route.fulfill({ json: { ...said, uptime_s: 5, viewers: 1 } }));
    },
  });
  await page.goto(`${mock.url}${path}`);
  await page.waitForFunction((code) => document.documentElement.lang === code, language);
  await open(page, mock);
  const faults = [];
  for (const size of SIZES) {
    const [width, height] = size.split("x").map(Number);
    await page.setViewportSize({ width, height });
    // Any key shows the hidden controls.
    await page.keyboard.press("Shift");
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    for (const fault of await layoutFaults(page)) faults.push(`${size}: ${fault}`);
    const isPicture = path === "" ? name !== "the styles over it" : name === "slideshow";
    if (isPicture && SMALL.includes(size)) {
      const over = await covering(page, ["#badge", "#dock", ".notice", "#statistics", "#show-words", "#invite", "#show-tools"]);
      if (over.length > 0) faults.push(`${size}: ${over} over the picture`);
    }
    if (status) {
      const words = await page.evaluate(() => document.getElementById("notices").innerText);
      if (words.split("make runtime").length > 2 || /[\\/]/.test(words)) faults.push(`${size}: ${words}`);
    }
    if (language === "de" && ["360x640", "320x180", "844x390"].includes(size)) {
      await t.shot(page, `layout-${name.replaceAll(/\W+/g, "-")}-${size}`);
    }
  }
  t.check(`${language}: ${name}`, faults.length === 0, faults.slice(0, 8).join("; "));
  await page.context().close();
}
