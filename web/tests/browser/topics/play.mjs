import { inspect, themed } from "../harness/axe.mjs";
import { fits, plainHttp, says, screen, withMock } from "../harness/booth.mjs";
import { key } from "../mock/play.mjs";

export const title = "the games on a visitor's phone, and on the control page";
export const limitMs = 900000; // a minute on a machine that does nothing else

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
const QUESTION = { en: "Early bird or night owl?", de: "Frühaufsteher oder Nachtmensch?" };
const SIDES = [
  { text: { en: "Early bird", de: "Frühaufsteher" }, persons: 3, is_chosen: false },
  { text: { en: "Night owl", de: "Nachtmensch" }, persons: 12, is_chosen: false },
];
const RUNNING = key("play.start.round-running");

export async function run(t) {
  await withMock(t, async (mock) => {
    for (const part of [watch, own, takeHome, refused, reload, full, outage, off, motion, sounds, looks, control, links]) {
      mock.play.reset();
      await part(t, mock);
      for (const context of t.contexts) await context.close();
    }
  });
}

async function playPage(t, mock, options = {}) {
  const page = await t.page({ ...PHONE, address: `${mock.url}play`, before: plainHttp, ...options });
  await page.waitForSelector("#below:not([hidden])");
  return page;
}

function round(mock, view) {
  mock.play.set({ view, result: null, games: mock.play.refuseAll(RUNNING) });
}

async function started(page, game = "object-hunt") {
  await page.tap(`[data-game="${game}"]`);
  await page.waitForSelector("#own:not([hidden])");
}

async function until(isTrue, longestMs = 15000) {
  const end = Date.now() + longestMs;
  while (!isTrue() && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
  return isTrue();
}

const spoken = (page) => page.textContent("#spoken");

async function watch(t, mock) {
  const page = await playPage(t, mock);
  t.check("opening the page is joining: games and leaderboard are there", (await says(page, "#invitation", /Play along/)) && (await page.locator(".game").count()) === 5);
  t.check("  by one stream and no request beside it", mock.play.requests.join() === "GET /api/play/events", mock.play.requests.join());
  round(mock, mock.play.viewOf("object-hunt", { rows: [key("play.object-hunt.rules")], countdown: mock.play.clock(4000, 4000) }));
  t.check("a round is introduced", (await says(page, "#word", /Object hunt/)) && (await says(page, "#rows", /Each find gives/)));
  t.check("  the list of games gives way to it", await page.isHidden("#starts"));
  const { countdown } = mock.play.hunt("cup");
  round(mock, mock.play.hunt("cup", { countdown }));
  t.check("the target is shown", (await says(page, "#line", /Show me a/)) && (await says(page, "#word", /CUP/)));
  const size = await page.evaluate(() => parseFloat(getComputedStyle(document.getElementById("word")).fontSize));
  t.check("  in large letters", size >= 90, size);
  t.check("  and spoken", (await spoken(page)) === "Show me a CUP.", await spoken(page));
  const first = Number(await page.textContent("#seconds"));
  const late = await (await page.waitForFunction(([before, end]) => {
    const shown = Number(document.getElementById("seconds").textContent);
    return shown < before && { ms: shown * 1000 - (end - Date.now()) };
  }, [first, countdown.ends_at_ms])).jsonValue();
  t.check("the clock runs by the station's time", Math.abs(late.ms) < 1000, late.ms);
  const role = await page.getAttribute("#clock", "role");
  t.check("  and is not spoken", role === "timer" && !/\d/.test(await spoken(page)));
  round(mock, mock.play.hunt("cup", { score: 240, flash: { kind: "good", at_ms: Date.now() }, rows: [key("play.object-hunt.found")], countdown: null }));
  t.check("a find flashes and shows its points", (await says(page, "#score", /240/)) && (await page.getAttribute("#stage", "data-flash")) === "good" && (await page.textContent("#gained")) === "+240");
  await page.waitForFunction(() => !document.getElementById("stage").dataset.flash);
  const places = () => page.evaluate(() => JSON.stringify(["live-title", "score", "target", "seconds", "best"].map((id) => document.getElementById(id).getBoundingClientRect().top)));
  const before = await places();
  for (const target of ["remote", "teddy-bear", "mouse"]) {
    round(mock, mock.play.hunt(target, { score: 240 }));
    await page.waitForTimeout(120);
    const outside = await page.evaluate(() => {
      const word = document.createRange();
      word.selectNodeContents(document.getElementById("word"));
      const [box, stage] = [word.getBoundingClientRect(), document.getElementById("target").getBoundingClientRect()];
      return box.left < stage.left - 1 || box.right > stage.right + 1 || box.top < stage.top - 1 || box.bottom > stage.bottom + 1;
    });
    t.check(`  ${target} fits`, !outside);
  }
  const after = await places();
  t.check("nothing else moves when the target changes", before === after, `${before} ${after}`);
  round(mock, mock.play.viewOf("left-or-right", { line: QUESTION, sides: SIDES, countdown: mock.play.clock(9000, 15000) }));
  t.check("a question with the counts of both sides", (await says(page, "#line", /night owl/)) && (await says(page, "#sides", /Early bird[^]*3[^]*Night owl[^]*12/)));
  round(mock, mock.play.viewOf("left-or-right", { line: QUESTION, sides: [SIDES[0], { ...SIDES[1], is_chosen: true }], rows: [key("play.left-or-right.wins", { answer: SIDES[1].text, more: 12, fewer: 3 })] }));
  t.check("  and its result", (await says(page, "#rows", /Night owl wins, 12 to 3/)) && (await page.locator(".side.chosen").count()) === 1);
  mock.play.finish();
  t.check("the result has score, nickname, place and record", await says(page, "#outcome", /6 finds[^]*Record of the day![^]*1,240[^]*Brave Otter[^]*Place 1 today/));
  t.check("  it is spoken", /6 finds\. 1,240 points\. Brave Otter/.test(await spoken(page)), await spoken(page));
  t.check("  the strip is not for others", (await page.locator("#keepsake").count()) === 0 && !mock.play.requests.some((one) => one.includes("strip")));
  t.check("the leaderboard of the day, this game first", await says(page, "#best", /Object hunt[^]*Brave Otter[^]*1,240[^]*How many fit[^]*14/));
  await page.selectOption("#language", "de");
  t.check("all of it in another language", (await says(page, "#outcome", /6 Funde[^]*Tapferer Otter[^]*Platz 1 heute/)) && (await says(page, "#best", /Die Besten von heute[^]*1\.240/)));
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function own(t, mock) {
  const shared = [];
  const page = await playPage(t, mock, {
    before: async (blank) => {
      await blank.exposeFunction("noteShared", (name) => shared.push(name));
      await blank.addInitScript(() => {
        navigator.canShare = ({ files }) => files.length === 1;
        navigator.share = async ({ files }) => globalThis.noteShared(`${files[0].name} ${files[0].type} ${files[0].size > 1000}`);
      });
    },
  });
  await started(page);
  t.check("one tap starts a round", mock.play.started.join() === "object-hunt", mock.play.started.join());
  const focus = await page.evaluate(() => document.activeElement.id);
  t.check("  the focus moves to the stage", focus === "stage", focus);
  round(mock, mock.play.hunt("cup"));
  await page.tap("#skip");
  await until(() => mock.play.asked.length > 0);
  t.check("who started it may skip", mock.play.asked.join() === "POST skip", mock.play.asked.join());
  const other = await playPage(t, mock);
  await says(other, "#word", /CUP/);
  t.check("  and nobody else", (await other.isHidden("#own")) && (await other.isHidden("#starts")));
  mock.play.stripFails = 2;
  mock.play.finish();
  t.check("the photo strip is announced", await says(page, "#strip-state", /strip is coming/));
  await page.waitForSelector("#strip:not([hidden])");
  const tries = mock.play.asked.filter((one) => one === "GET strip.jpg").length;
  t.check("  and comes at the third request", tries === 3, tries);
  const picture = await page.evaluate(() => document.getElementById("strip").naturalHeight);
  t.check("  whole", picture > 500, picture);
  const [href, name] = await page.evaluate(() => ["href", "download"].map((one) => document.getElementById("save").getAttribute(one)));
  t.check("it can be saved", href.startsWith("blob:") && /^carrier-object-hunt-\d{8}-\d{6}\.jpg$/.test(name), `${href} ${name}`);
  await page.tap("#share");
  await until(() => shared.length > 0);
  t.check("it is shared as a file", /^carrier-object-hunt-.*\.jpg image\/jpeg true$/.test(shared[0]), shared[0]);
  await t.shot(page, "play-strip");
  await page.tap("#stylise");
  await screen(page, "style");
  t.check("the booth opens with it", (await page.waitForSelector("#styles .card")) !== null);
  await t.shot(page, "play-booth");
  t.check("no errors but the two that were made", page.complaints.length === 2, page.complaints.join());
}

async function takeHome(t, mock) {
  const page = await playPage(t, mock);
  await started(page);
  await page.tap("#stop");
  t.check("stopping asks first", (await says(page, "#stop", /Really/)) && mock.play.asked.length === 0);
  await page.tap("#stop");
  t.check("a second tap stops the round", (await says(page, "#invitation", /Play along/)) && mock.play.asked.join() === "DELETE", mock.play.asked.join());
  await started(page);
  mock.play.finish();
  await page.waitForSelector("#strip:not([hidden])");
  t.check("without HTTPS there is no button to share", await page.isHidden("#share"));
  await page.tap("#take");
  await page.waitForSelector("#take-code:not([hidden])");
  t.check("another phone takes it by a code", (await says(page, "#take-words", /point your phone's camera/)) && (await page.getAttribute("#take", "aria-expanded")) === "true");
  await t.shot(page, "play-code");
  const [secret, handover] = [...mock.booth.handovers].at(-1);
  handover.by = "another phone";
  t.check("  the page says when it is there", await says(page, "#take-words", /on a phone now/));
  t.check("  its code is gone", await page.isHidden("#take-code"));
  await page.tap("#take-again");
  await page.waitForSelector("#take-code:not([hidden])");
  t.check("  another code is for another phone", [...mock.booth.handovers.keys()].at(-1) !== secret);
  await page.tap("#take");
  t.check("  and it closes", await page.isHidden("#take-home"));
  mock.play.set({ result: { ...mock.play.result, strip: null } });
  t.check("an expired strip leaves the page", (await page.waitForSelector("#keepsake", { state: "hidden" })) === null && !(await page.getAttribute("#strip", "src")));
}

async function refused(t, mock) {
  const page = await playPage(t, mock);
  mock.play.refuse = [{ status: 429, text: key("play.start.too-soon", { count: 4 }) }];
  await page.tap('[data-game="how-many"]');
  t.check("a refusal is said in words, at the game", await says(page, '[data-game="how-many"]', /can start in 4 seconds/));
  t.check("  and spoken", /4 seconds/.test(await page.textContent("#refused-spoken")));
  await t.shot(page, "play-refused");
  mock.play.set({ games: mock.play.games.map((game) => ({ ...game, refusal: game.game === "object-hunt" ? key("play.start.targets") : null })) });
  t.check("what cannot be played says why", await says(page, '[data-game="object-hunt"]', /needs a model/));
  const before = mock.play.started.length;
  await page.tap('[data-game="object-hunt"]', { force: true });
  t.check("  and asks the station for nothing", mock.play.started.length === before);
  mock.play.set({ games: mock.play.refuseAll(key("play.start.too-soon", { count: 1 })) });
  await says(page, '[data-game="red-light"]', /1 second/);
  t.check("a wait ends by itself", await says(page, '[data-game="red-light"]', /Move while/));
  mock.play.set({ visitors_may_start: false, games: mock.play.refuseAll(key("play.start.visitors-may-not")) });
  t.check("where the owner starts the games, the page says so once", (await says(page, "#starts", /owner starts the games/)) && !(await says(page, ".game", /Only the owner/, 300)));
  await page.route("**/api/play/rounds", (route) => route.abort());
  mock.play.set({ visitors_may_start: true, games: mock.play.refuseAll(null) });
  await page.tap('[data-game="how-many"]:not([aria-disabled="true"])');
  t.check("a station that does not answer is said", await says(page, '[data-game="how-many"]', /does not answer/));
}

async function reload(t, mock) {
  const page = await playPage(t, mock);
  await started(page);
  round(mock, mock.play.hunt("book"));
  await says(page, "#word", /BOOK/);
  await page.reload();
  t.check("a reload shows the round as it is", await says(page, "#word", /BOOK/));
  t.check("  and keeps the key of the round", await page.isVisible("#skip"));
  await page.tap("#skip");
  await until(() => mock.play.asked.length > 0);
  t.check("  which still works", mock.play.asked.join() === "POST skip");
  mock.play.finish();
  await page.reload();
  await page.waitForSelector("#strip:not([hidden])");
  t.check("a reload after the end has the strip", true);
  mock.play.key = "of a round after a restart";
  await page.reload();
  t.check("a key that is not valid any more gives no strip", await says(page, "#strip-state", /not there any more/));
}

async function full(t, mock) {
  mock.play.isFull = true;
  const page = await playPage(t, mock);
  t.check("without a place for followers the state is asked for", mock.play.requests.includes("GET /api/play"), mock.play.requests.join());
  round(mock, mock.play.hunt("cup"));
  t.check("  again within five seconds", await says(page, "#word", /CUP/, 30000));
  t.check("  and nothing is called lost", await page.isHidden("#trouble"));
  mock.play.isFull = false;
  t.check("a free place is taken", await until(() => mock.play.followers.size === 1, 60000));
  round(mock, mock.play.hunt("book"));
  t.check("  from then on changes come at once", await says(page, "#word", /BOOK/));
}

async function outage(t, mock) {
  const page = await playPage(t, mock);
  round(mock, mock.play.hunt("cup"));
  await says(page, "#word", /CUP/);
  await page.context().setOffline(true);
  mock.play.cut();
  t.check("a lost connection is said", await says(page, "#trouble", /Connecting again/));
  t.check("  over the round, which stays", await says(page, "#word", /CUP/));
  await t.shot(page, "play-again");
  round(mock, mock.play.hunt("book"));
  await page.context().setOffline(false);
  t.check("the round is there again when the network is", (await says(page, "#word", /BOOK/, 30000)) && (await page.isHidden("#trouble")));
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  t.check("a page that nobody sees follows nothing", await until(() => mock.play.followers.size === 0), mock.play.followers.size);
}

async function off(t, mock) {
  mock.play.isOn = false;
  const page = await t.page({ ...PHONE, address: `${mock.url}play`, before: plainHttp });
  t.check("a station without games says so", await says(page, "#idle", /No games here[^]*no games at this station/));
  await t.shot(page, "play-off");
}

async function motion(t, mock) {
  const page = await playPage(t, mock, { reducedMotion: "reduce" });
  round(mock, mock.play.hunt("cup", { countdown: mock.play.clock(4000, 20000) }));
  await says(page, "#word", /CUP/);
  round(mock, mock.play.hunt("cup", { flash: { kind: "good", at_ms: Date.now() } }));
  await page.waitForSelector("#stage[data-flash]");
  const still = await page.evaluate(() => {
    const { opacity, animationName, backgroundColor, borderTopWidth } = getComputedStyle(document.getElementById("stage"), "::after");
    return { opacity, animationName, backgroundColor, borderTopWidth };
  });
  t.check("reduced motion: a flash is a still border", still.opacity === "1" && still.animationName === "none" && still.backgroundColor === "rgba(0, 0, 0, 0)" && parseFloat(still.borderTopWidth) > 8, JSON.stringify(still));
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running" && one.effect.getTiming().duration > 0).length);
  t.check("  and nothing is animated", moving === 0, moving);
  await page.waitForFunction(() => !document.getElementById("stage").dataset.flash);
  t.check("  it ends", true);
}

async function sounds(t, mock) {
  const page = await playPage(t, mock, {
    before: (blank) =>
      blank.addInitScript(() => {
        globalThis.tones = 0;
        globalThis.contexts = 0; // that were woken
        const resume = AudioContext.prototype.resume;
        AudioContext.prototype.resume = async function () {
          await resume.call(this);
          globalThis.contexts = 1;
        };
        const Original = globalThis.OscillatorNode;
        globalThis.OscillatorNode = class extends Original {
          start(at) {
            globalThis.tones += 1;
            super.start(at);
          }
        };
      }),
  });
  const tones = () => page.evaluate(() => globalThis.tones);
  round(mock, mock.play.hunt("cup"));
  await says(page, "#word", /CUP/);
  t.check("sounds are off at first", (await tones()) === 0 && (await page.getAttribute("#sound", "aria-pressed")) === "false");
  await page.tap("#sound");
  await page.waitForFunction(() => globalThis.tones === 1);
  t.check("turned on, one is heard", (await page.getAttribute("#sound", "aria-pressed")) === "true");
  round(mock, mock.play.hunt("cup", { score: 200, flash: { kind: "good", at_ms: Date.now() } }));
  await page.waitForFunction(() => globalThis.tones === 4);
  t.check("a find has a sound", true);
  await page.reload();
  await says(page, "#word", /CUP/);
  t.check("the choice is remembered", (await page.getAttribute("#sound", "aria-pressed")) === "true");
  await page.tap("#word");
  await page.waitForFunction(() => globalThis.contexts === 1);
  round(mock, mock.play.hunt("book"));
  await page.waitForFunction(() => globalThis.tones === 2);
  t.check("  and works after a touch", true);
  await page.tap("#sound");
  round(mock, mock.play.hunt("cup"));
  await says(page, "#word", /CUP/);
  t.check("turned off, nothing is heard", (await tones()) === 2, await tones());
}

const SCENES = {
  idle: (mock) => mock.play.finish({ strip: null }) ?? mock.play.set({ result: null }),
  hunt: (mock) => round(mock, mock.play.hunt("cup", { score: 340, rows: [key("play.object-hunt.sees", { what: key("play.target.book") })] })),
  poll: (mock) => round(mock, mock.play.viewOf("left-or-right", { line: QUESTION, sides: SIDES, countdown: mock.play.clock(9000, 15000) })),
  settled: (mock) => round(mock, mock.play.viewOf("left-or-right", { line: QUESTION, sides: [SIDES[0], { ...SIDES[1], is_chosen: true }], rows: [key("play.left-or-right.draw", { more: 3, fewer: 3 })] })),
  red: (mock) => round(mock, mock.play.viewOf("red-light", { line: key("play.red-light.freeze"), big_word: key("play.red-light.red"), countdown: mock.play.clock(40000, 60000), rows: [key("play.red-light.left", { count: 4 })] })),
  green: (mock) => round(mock, mock.play.viewOf("red-light", { line: key("play.red-light.move"), big_word: key("play.red-light.green"), countdown: mock.play.clock(40000, 60000), score: 3 })),
  result: (mock) => mock.play.finish(),
};
const SIZES = { phone: [360, 640], landscape: [640, 360], laptop: [1280, 800] };

async function looks(t, mock) {
  for (const theme of ["dark", "light", "sunlight"]) {
    mock.play.reset();
    const page = await playPage(t, mock, themed(theme));
    await started(page);
    for (const [name, show] of Object.entries(SCENES)) {
      show(mock);
      if (name === "result") await page.waitForSelector("#strip:not([hidden])");
      else await page.waitForTimeout(250);
      await page.evaluate(() => document.getElementById("stage").scrollIntoView());
      await inspect(t, page, `${theme}, ${name}: axe-core finds nothing`);
      await t.shot(page, `play-${name}-phone-${theme}`);
      // Themes differ in colours alone.
      for (const [size, [width, height]] of Object.entries(theme === "dark" ? SIZES : {})) {
        await page.setViewportSize({ width, height });
        await page.waitForTimeout(100);
        const { ok, detail } = await fits(page);
        t.check(`${name}, ${size}: fits, with large enough controls`, ok, detail);
        await t.shot(page, `play-${name}-${size}`);
      }
      await page.setViewportSize(PHONE.viewport);
    }
    await page.context().close();
  }
}

async function control(t, mock) {
  mock.admin.reset();
  const page = await t.page({ ...PHONE, address: null });
  await page.route(/\/(whep|stream\.mjpg)/, () => {});
  await page.goto(`${mock.url}admin#token=let-me-rule`);
  await page.waitForSelector("#games:not([hidden])");
  await page.tap("#games summary");
  t.check("the control page has the games", (await page.locator("#games-list li").count()) === 5 && (await says(page, "#games-round", /No round is running/)));
  await page.tap("#games-list li:first-child button");
  t.check("the owner starts a round", (await says(page, "#games-round", /Round 3: Object hunt/)) && mock.play.started.join() === "object-hunt");
  round(mock, mock.play.hunt("cup", { score: 340 }));
  t.check("  sees how it goes", await says(page, "#games-round", /Show me a CUP · Score 340/));
  await page.locator("#games").scrollIntoViewIfNeeded();
  await t.shot(page, "play-control");
  await page.tap("#games-skip");
  await until(() => mock.play.asked.length === 1);
  await page.tap("#games-stop");
  t.check("  skips and stops it", (await says(page, "#games-round", /No round is running/)) && mock.play.asked.join() === "POST skip,DELETE", mock.play.asked.join());
  mock.play.refuse = [{ status: 409, text: key("play.start.no-questions") }];
  await page.tap("#games-list li:nth-child(2) button");
  t.check("a refusal is said", await says(page, "#news", /There are no questions/));
  mock.play.finish();
  t.check("the leaderboard is there", await says(page, "#games-best", /Brave Otter, 1,240/));
  await inspect(t, page, "axe-core finds nothing on the control page");
  // The page before asks no more when the requests are counted.
  const control = page.url();
  await page.goto("about:blank");
  mock.play.reset();
  mock.play.isOn = false;
  await page.goto(control);
  await page.waitForSelector("#control:not([hidden])");
  await until(() => mock.admin.requests.includes("GET /api/doctor"));
  t.check("without games there is no such section, and no request for them", (await page.isHidden("#games")) && !mock.play.requests.length, mock.play.requests.join());
}

async function links(t, mock) {
  const live = await t.page({ ...PHONE, address: mock.url });
  t.check("the live page links to the games", await says(live, "#link-play", /Play along/));
  t.check("  without a request for them", mock.play.requests.length === 0, mock.play.requests.join());
  await t.shot(live, "play-link");
  // Not a tap: the link steps back after three seconds, as the controls do.
  await live.evaluate(() => document.querySelector("#link-play").click());
  t.check("  and leads there", await says(live, "#invitation", /Play along/));
  const join = await t.page({ address: `${mock.url}join` });
  t.check("so does the page with the codes", await says(join, "#play", /192\.168\.1\.20:8080\/play/));
  await t.shot(join, "play-join");
  mock.play.isOn = false;
  const without = await t.page({ ...PHONE, address: mock.url });
  await says(without, "#state", /Live/);
  await without.waitForTimeout(1000);
  t.check("without games there is no link", await without.isHidden("#link-play"));
}
