import { randomUUID } from "node:crypto";
import { inspect, themed } from "../harness/axe.mjs";
import { PHONE, fits, says, withMock } from "../harness/booth.mjs";
import { layoutFaults } from "../harness/layout.mjs";

export const title = "the control page";
export const limitMs = 600000;

const TOKEN = "let-me-rule";
const SIZES = ["320x568", "390x844", "1280x800"];

export async function run(t) {
  await withMock(t, async (mock) => {
    const picture = Buffer.from(await (await fetch(`${mock.url}snapshot.jpg`)).arrayBuffer());
    mock.booth.addShown({ id: randomUUID(), style: "pencil", made_by: "laptop", result: picture });
    for (const part of [signIn, shutter, settings, moreSettings, power, camera, cameras, masks, zones, counts, lists, networks, away, languages, link, looks]) {
      await part(t, mock);
      // Their polls would count among those of the next part.
      for (const context of t.contexts) await context.close();
    }
  });
}

// The control page, signed in by the link; without the live picture unless a test needs it.
async function control(t, mock, { withPicture = false, ...options } = {}) {
  mock.admin.reset();
  const page = await t.page({ ...PHONE, address: null, ...options });
  if (!withPicture) await page.route(/\/(whep|stream\.mjpg)/, () => {});
  await page.goto(`${mock.url}admin#token=${TOKEN}`);
  await page.waitForSelector("#control:not([hidden])");
  await page.waitForSelector("[data-key='privacy.mode']");
  return page;
}

// A choice that is refused goes back at once, so that nothing here waits for it to be checked.
function pick(page, mode) {
  return page.locator(`.option:has([value="${mode}"])`).click();
}

async function signIn(t, mock) {
  const page = await t.page({ ...PHONE, address: `${mock.url}admin` });
  await page.waitForSelector("#entry:not([hidden])");
  t.check("a stranger causes no request that is refused", mock.admin.requests.length === 0, mock.admin.requests.join(" "));
  await t.shot(page, "admin-entry");
  await inspect(t, page, "axe-core finds nothing on the form");
  await page.fill("#token", "wrong");
  await page.keyboard.press("Enter");
  t.check("a wrong token is reported", await says(page, "#entry-said", /not right/));
  for (const guess of ["wrong2", "wrong3", "wrong4"]) {
    await page.fill("#token", guess);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("enter").textContent === "Enter");
  }
  t.check("after too many the page says how long to wait", await says(page, "#entry-said", /Wait [123] seconds?/));
  await page.waitForFunction(() => document.getElementById("enter").getAttribute("aria-disabled") === "false", null, { timeout: 8000 });
  await page.fill("#token", TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#control:not([hidden])");
  t.check("the right token is not kept in the page", (await page.inputValue("#token")) === "");
  const focus = await page.evaluate(() => document.activeElement.id);
  t.check("the focus moves to the shutter", focus === "shutter-title", focus);
  await page.reload();
  await page.waitForSelector("#control:not([hidden])");
  t.check("a reload keeps the owner signed in", true);

  await page.click("#leave-all");
  t.check("signing out everywhere asks first", await says(page, "#leave-all", /Sure/));
  await page.click("#leave-all");
  t.check("the owner can sign out everywhere", await says(page, "#entry-said", /All browsers/));
  t.check("the last picture is gone", await page.evaluate(() => !document.getElementById("video").srcObject && document.getElementById("last").hidden));

  const linked = await control(t, mock);
  t.check("a link with the token signs in, and the token leaves the address", !linked.url().includes("#"), linked.url());
  await linked.context().clearCookies();
  t.check("an ended session leads back to the form", await says(linked, "#entry-said", /session has ended/, 20000));
  const before = mock.admin.requests.length;
  await linked.waitForTimeout(2500);
  t.check("nothing is asked for without a session", mock.admin.requests.length === before, mock.admin.requests.length - before);
}

async function shutter(t, mock) {
  const page = await control(t, mock, { withPicture: true });
  t.check("the state, since when and by whom", await says(page, "#shutter", /The camera is open\.[^]*1 hour ago[^]*program's start/));
  await page.waitForFunction(() => document.getElementById("video").videoWidth > 0, null, { timeout: 20000 });
  t.check("the live picture is shown", true);
  await t.shot(page, "admin-open");
  const button = await page.locator("#shutter-button").boundingBox();
  t.check("the shutter is a large button in the first view", button.height >= 64 && button.y + button.height <= 844, JSON.stringify(button));
  await page.route("**/api/shutter", async (route) => {
    if (route.request().method() === "PUT") await new Promise((done) => setTimeout(done, 700));
    await route.continue();
  });
  await page.click("#shutter summary");
  await page.fill("#shutter-why", "lunch");
  await page.tap("#shutter-button");
  t.check("nothing is claimed before the answer", await says(page, "#shutter", /is open\.[^]*Closing…/));
  t.check("one tap closes", await says(page, "#shutter", /The camera is closed\.[^]*by a person \(admin\)[^]*Reason: lunch[^]*Open the camera/));
  const spoken = await page.textContent("#spoken");
  t.check("the change is announced", /closed/.test(spoken), spoken);
  await t.shot(page, "admin-closed");
  await page.tap("#shutter-button");
  t.check("one tap opens", await says(page, "#shutter-state", /is open/));
  mock.admin.close(true, "schedule");
  t.check("a change by a rule is shown and announced", (await says(page, "#shutter-since", /by the schedule/)) && /closed/.test(await page.textContent("#spoken")));
  mock.admin.shutter.kept = false;
  t.check("that it cannot be kept is said", await says(page, "#shutter-kept", /restart forgets/));
  await page.unroute("**/api/shutter");
  mock.admin.close(false);
  await says(page, "#shutter-state", /is open/);
  await page.route("**/api/shutter", (route) => route.abort());
  await page.tap("#shutter-button");
  t.check("a lost request is not called closed", await says(page, "#shutter-fault", /not certain that the camera is closed/));
  t.check("the shown state stays the station's", await says(page, "#shutter-state", /is open/));
  await t.shot(page, "admin-shutter-fault");
  await page.unroute("**/api/shutter");
  const certain = await page.waitForFunction(() => document.getElementById("shutter-fault").textContent === "The station did not answer.").then(() => true, () => false);
  t.check("the doubt ends when the station says its state", certain);
}

async function settings(t, mock) {
  const page = await control(t, mock);
  await pick(page, "blur_people");
  t.check("a mode is changed by one tap", await says(page, "#news", /People blurred/));
  t.check("with a merge patch", JSON.stringify(mock.admin.patches.at(-1)) === '{"privacy":{"mode":"blur_people"}}', JSON.stringify(mock.admin.patches));
  mock.admin.privacy = { promise: "weak", note: "Only 2 detections a second." };
  t.check("what cannot be promised is said", await says(page, "#promise", /too weak.*Only 2/));
  t.check("what is not kept is listed", await says(page, "#unkept", /People blurred/));
  await page.locator("#keep-settings").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-settings");
  await page.tap("#keep-settings");
  t.check("settings are kept", await says(page, "#keep-state", /changes none/));
  t.check("the file is named", await says(page, "#keep-place", /carrier\.toml/));

  await page.tap("[data-key='classes'] summary");
  for (const name of ["dog", "person"]) await page.locator(".chip", { hasText: name }).tap();
  await page.waitForFunction(() => /person, dog/.test(document.querySelector("[data-key='classes'] summary").textContent));
  t.check("chips choose what is shown", JSON.stringify(mock.admin.settings.find(({ key }) => key === "classes").value) === '["person","dog"]');
  await t.shot(page, "admin-chips");
  await page.focus("#set-min_score");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelector("[data-key='min_score'] output").textContent === "37 %");
  const score = async () => mock.admin.settings.find(({ key }) => key === "min_score").value;
  await page.waitForTimeout(400);
  t.check("the minimum score by keyboard", (await score()) === 0.37, await score());

  await page.fill("#set-name", "a name that is far too long for it");
  await page.keyboard.press("Enter");
  const fault = await says(page, "#set-name-fault", /At most 20/);
  const described = await page.getAttribute("#set-name", "aria-describedby");
  t.check("a refused value is explained at its field", fault && described === "set-name-fault", described);
  t.check("what was typed stays", (await page.inputValue("#set-name")).startsWith("a name"));
  await t.shot(page, "admin-refused");
  await page.fill("#set-name", "door");
  await page.keyboard.press("Enter");
  t.check("the explanation goes with the next value", await page.waitForSelector("#set-name-fault", { state: "hidden" }).then(() => true));

  mock.admin.refuse.push({ method: "PATCH", path: "/api/settings", status: 422, body: { key: "privacy.mode", detail: "This model finds no people." } });
  await pick(page, "blur_faces");
  const refused = await says(page, "[data-key='privacy.mode'] .fault", /finds no people/);
  t.check("a refused mode goes back, with the reason", refused && (await page.isChecked("[value='blur_people']")));

  await page.waitForTimeout(300);
  mock.admin.change("boxes", false);
  await pick(page, "silhouettes");
  t.check("another's change is said, and which", await says(page, "#news", /Somebody else.*boxes/));
  const shown = await page.evaluate(() => [document.querySelector("input[value='blur_people']").checked, document.getElementById("set-boxes").checked]);
  t.check("and the page shows the station's values", shown[0] && !shown[1], shown.join());
  await t.shot(page, "admin-others");
  await pick(page, "silhouettes");
  t.check("the second try works", await says(page, "#news", /Silhouettes/));
  mock.admin.refuse.push({ method: "PATCH", path: "/api/settings", status: 429, headers: { "Retry-After": "7" } });
  await pick(page, "open");
  t.check("a limit says how long to wait", await says(page, "#news", /Wait 7 seconds/));
  t.check("a choice that was not taken goes back", await page.isChecked("input[value='silhouettes']"));
}

async function moreSettings(t, mock) {
  const page = await control(t, mock);
  const last = () => JSON.stringify(mock.admin.patches.at(-1));
  const sent = async (text) => {
    for (let tries = 0; tries < 50 && last() !== text; tries += 1) await page.waitForTimeout(100);
    return last() === text;
  };
  await page.click("[data-key='class_scores'] summary");
  await page.selectOption("#set-class_scores", "cup");
  t.check("a class gets a minimum score of its own", await sent('{"class_scores":{"cup":0.5}}'), last());
  t.check("and is listed with the others", await says(page, "[data-key='class_scores'] summary", /cup 50 %, person 50 %/));
  await page.locator(".score:has-text('person') button").click();
  t.check("it can be taken away", await sent('{"class_scores":{"person":null}}'), last());
  t.check("no limit of the rate is said in words", await says(page, "[data-key='detect_fps']", /no limit/));
  await page.locator("#set-renditions-1").fill("400");
  await page.keyboard.press("Tab");
  const slower = mock.admin.settings.find(({ key }) => key === "renditions");
  await page.waitForFunction(() => document.getElementById("set-renditions-1").value === "400");
  t.check("a bitrate is changed", (await sent(JSON.stringify({ renditions: slower.value }))) && slower.value[1].bitrate_bps === 400000, last());
  await page.locator("#set-public_url").fill("https://booth.example");
  await page.keyboard.press("Tab");
  t.check("an address is set", await sent('{"public_url":"https://booth.example"}'), last());
  await page.locator("#set-public_url").fill("");
  await page.keyboard.press("Tab");
  t.check("an empty address is none", await sent('{"public_url":null}'), last());
  await page.click("#wifi-more summary");
  await page.fill("#wifi-ssid", "hall");
  await page.fill("#wifi-password", "a secret word");
  await page.click("#wifi button");
  t.check("a network is sent as a whole", await sent('{"wifi":{"ssid":"hall","security":"WPA","hidden":false,"password":"a secret word"}}'), last());
  await page.waitForFunction(() => document.getElementById("wifi-password").placeholder !== "");
  t.check("its password does not stay on the page", (await page.inputValue("#wifi-password")) === "");
  mock.admin.refuse.push({ method: "PATCH", path: "/api/settings", status: 422, body: { key: "wifi.password", detail: "8 to 63 letters" } });
  await page.click("#wifi button");
  t.check("a refused network says why", await says(page, "#wifi-fault", /8 to 63/));
  await page.locator("#wifi").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-more-settings");
  await inspect(t, page, "axe-core finds nothing on these fields");
}

async function power(t, mock) {
  const page = await control(t, mock);
  t.check("the battery in words", await says(page, "#power-state", /^64 % · on battery · about 1 h 27 min left · balanced$/));
  t.check("why this profile", await says(page, "#power-reason", /runs on battery/));
  t.check("heat and wear", await says(page, "#power-details", /21\.4 W · 71 °C \(x86_pkg_temp\) · slowed down by heat 4 times · .*93 % .* · 57 charge cycles/));
  await page.locator("#power-title").evaluate((title) => title.scrollIntoView());
  await t.shot(page, "admin-power");
  await inspect(t, page, "axe-core finds nothing on it");
  await page.locator(".option:has([value='saver'])").click();
  for (let tries = 0; tries < 50 && mock.admin.patches.length === 0; tries += 1) await page.waitForTimeout(100);
  t.check("a profile is chosen by one tap", JSON.stringify(mock.admin.patches.at(-1)) === '{"power":{"profile":"saver"}}', JSON.stringify(mock.admin.patches));
  const { battery } = mock.admin.power;
  Object.assign(mock.admin.power, { choice: "saver", profile: "saver", reason: "chosen" });
  Object.assign(battery, { percent: 8.2, seconds_left: 640, is_low: true });
  t.check("a low battery is an alert", (await says(page, "#power-low", /battery is low: 8 %/, 9000)) && (await page.getAttribute("#power-low", "role")) === "alert");
  await page.locator("#power-title").evaluate((title) => title.scrollIntoView());
  await t.shot(page, "admin-power-low");
  await page.selectOption("#language", "de");
  t.check("in another language", await says(page, "#power-state", /^8 % · Akkubetrieb · noch etwa 11 min · stromsparend$/));

  await page.selectOption("#language", "en");
  mock.status.renditions = [{ name: "720p", width: 1280, height: 720, offered: false }, { name: "360p", width: 640, height: 360, offered: true }];
  await page.unroute(/\/(whep|stream\.mjpg)/);
  await page.goto(mock.url);
  t.check("the owner's live page says so too", await says(page, "#notices", /battery is low: 8 %/));
  await page.keyboard.press("s");
  t.check("and has the state among its statistics", await says(page, "#stat-power", /8 % · on battery/));
  const option = page.locator("#quality option[value='720p']");
  t.check("a rendition that is not offered says why", /off to save power/.test(await option.textContent()) && (await option.isDisabled()));
  await t.shot(page, "live-power-low");
  await inspect(t, page, "axe-core finds nothing on the live page");
  const stranger = await t.page({ address: mock.url });
  await stranger.keyboard.press("s");
  await stranger.waitForSelector("#quality option[value='720p']", { state: "attached" });
  t.check("visitors are not told of the battery", (await stranger.isHidden("#line-power")) && !/battery/.test(await stranger.textContent("#notices")));
  delete mock.status.renditions;

  const desktop = await control(t, mock);
  Object.assign(mock.admin.power, { battery: null, mains: null, temperature: null, throttles: null, profile: "full", reason: "no_battery" });
  t.check("a machine without a battery", (await says(desktop, "#power-state", /^no battery · full power$/, 9000)) && (await desktop.isHidden("#power-details")));
}

async function camera(t, mock) {
  const page = await control(t, mock);
  const sent = (text) => sends(page, mock, text);
  await page.waitForSelector("#set-model option:has-text('yolox_nano: 12 ms, 80 classes')", { state: "attached" });
  t.check("a model is shown with its time on this machine", true);
  await page.selectOption("#set-model", "embedded");
  t.check("the model is changed", await sent('{"model":"embedded"}'));
  mock.admin.models.switching_to = "embedded";
  t.check("that it is being opened is said", await says(page, "#model-state", /embedded is being opened/, 9000));
  Object.assign(mock.admin.models, { switching_to: null, error: "embedded cannot be opened: no such file" });
  t.check("that it failed, too", await says(page, "#model-state", /goes on: embedded cannot/, 9000));
  await page.selectOption("#set-source", "webcam:0");
  t.check("the source is changed", await sent('{"source":"webcam:0"}'));
  await page.click("#camera summary");
  await page.waitForSelector("#set-camera-controls-brightness");
  t.check("a control that has no effect now is disabled", await page.isDisabled("#set-camera-controls-exposure"));
  await page.locator("#set-camera-controls-exposure_auto").click();
  t.check("a control is set", await sent('{"camera":{"controls":{"exposure_auto":false}}}'));
  await page.waitForSelector("#set-camera-controls-exposure:enabled");
  t.check("what depends on it follows", true);
  await page.locator("#set-model").evaluate((list) => list.blur());
  await page.locator("#source-title").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-camera");
  await inspect(t, page, "axe-core finds nothing on the camera's fields");
}

// What a page sent last, once it has been sent.
async function sends(page, mock, text) {
  for (let tries = 0; tries < 50 && JSON.stringify(mock.admin.patches.at(-1)) !== text; tries += 1) await page.waitForTimeout(100);
  return JSON.stringify(mock.admin.patches.at(-1)) === text;
}

async function cameras(t, mock) {
  const page = await control(t, mock);
  t.check("without cameras that have names there is no list", !(await page.isVisible("#cameras")));
  const listed = (name, state, reason = null) => ({ name, selected: state === "live", state, reason, failures: reason ? 1 : 0 });
  mock.status.cameras = [listed("front", "live"), listed("back", "standby"), listed("side door", "failed", "Camera unplugged. Waiting for it.")];
  mock.admin.settings.find(({ key }) => key === "cameras").value = { front: {}, back: {}, "side door": {} };
  mock.admin.settings.find(({ key }) => key === "source").choices = ["front", "back", "side door"];
  mock.admin.camera.camera = "front";
  mock.admin.serial += 1;
  await page.reload();
  await page.waitForSelector("#cameras .camera");
  t.check("each camera is shown with its state", await says(page, "#cameras", /front[^]*Live[^]*back[^]*Ready[^]*side door[^]*Failed: Camera unplugged/));
  const pressed = () => page.locator(".camera[aria-pressed=true] span").first().textContent();
  t.check("the selected one is marked", (await pressed()) === "front");
  await page.locator(".camera").nth(1).focus();
  await page.keyboard.press("Enter");
  t.check("a key switches", await sends(page, mock, '{"source":"back"}'));
  mock.status.cameras = [listed("front", "standby"), listed("back", "live")];
  mock.admin.camera.camera = "back";
  await page.waitForFunction(() => document.querySelector(".camera[aria-pressed=true]")?.textContent.startsWith("back"), null, { timeout: 9000 });
  t.check("the switch is shown", (await page.locator(".camera").count()) === 2);
  await page.locator(".camera").first().tap();
  t.check("a tap switches", await sends(page, mock, '{"source":"front"}'));
  await page.click("#camera summary");
  await page.waitForSelector("#set-camera-controls-mirror");
  await page.locator("#set-camera-controls-mirror").click();
  t.check("each camera has a mounting of its own", await sends(page, mock, '{"cameras":{"back":{"mirror":true}}}'));
  await page.locator("#set-camera-controls-exposure_auto").click();
  t.check("and controls", await sends(page, mock, '{"cameras":{"back":{"controls":{"exposure_auto":false}}}}'));
  t.check("the defaults of all are not shown", (await page.locator("[data-key='camera.mirror']").count()) === 0);
  await page.locator("#source-title").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-cameras");
  await inspect(t, page, "axe-core finds nothing on the list of cameras");
  mock.status.cameras = [];
}

async function masks(t, mock) {
  const page = await control(t, mock, { withPicture: true });
  await page.waitForFunction(() => document.getElementById("video").videoWidth > 0, null, { timeout: 20000 });
  await page.tap("#masks summary");
  await page.waitForSelector(".corner");
  t.check("the corners of a mask lie on the picture", (await page.locator(".corner").count()) === 4);
  await page.locator(".corner").first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  t.check("arrow keys move a corner", await page.waitForSelector(".corner[aria-label*='11 % across, 65 % down']").then(() => true));
  t.check("and where it is is spoken", /11 % across, 65 % down/.test(await page.textContent("#spoken")));
  await page.keyboard.press("Delete");
  t.check("Delete removes a corner", (await page.locator(".corner").count()) === 3);
  await page.tap("#mask-add");
  t.check("a mask can be added", (await page.locator("#mask-list li").count()) === 2 && (await page.locator(".corner").count()) === 4);
  const corner = await page.locator(".corner").nth(2).boundingBox();
  const frame = await page.locator("#frame").boundingBox();
  await page.mouse.move(corner.x + 22, corner.y + 22);
  await page.mouse.down();
  await page.mouse.move(frame.x + frame.width * 0.9, frame.y + frame.height * 0.8, { steps: 5 });
  await page.mouse.up();
  t.check("a corner is dragged", await page.waitForSelector(".corner[aria-label*='90 % across, 80 % down']", { timeout: 3000 }).then(() => true, () => false));
  await page.locator("#mask-list input").last().fill("screen");
  await t.shot(page, "admin-masks");
  t.check("nothing was sent so far", mock.admin.patches.length === 0);
  await page.tap("#mask-apply");
  t.check("masks are applied", await says(page, "#news", /masks are applied/));
  const sent = mock.admin.patches.at(-1).privacy.masks;
  t.check("as polygons in 0..1", sent.length === 2 && sent[0].points.length === 3 && sent[1].name === "screen" && sent[1].points.flat().every((n) => n >= 0 && n <= 1), JSON.stringify(sent));
  mock.admin.refuse.push({ method: "PATCH", path: "/api/settings", status: 422, body: { key: "privacy.masks", detail: "The polygon crosses itself." } });
  await page.tap("#mask-fewer");
  await page.tap("#mask-apply");
  t.check("a refused mask is explained there", await says(page, "#mask-fault", /crosses itself/));
  await page.tap("#mask-discard");
  t.check("changes can be discarded", (await page.locator(".corner").count()) === 4 && (await page.isHidden("#mask-fault")));
}

async function zones(t, mock) {
  const page = await control(t, mock, { withPicture: true });
  await page.tap("#masks summary");
  await page.waitForSelector("#mask-points .corner");
  await page.tap("#zones > summary");
  await page.waitForSelector("#zone-editor button");
  t.check("one editor at a time has the picture", await page.waitForFunction(() => !document.getElementById("masks").open).then(() => true, () => false));
  await page.tap("#zone-editor .wide");
  const corners = page.locator(".polygon-points:not(#mask-points) .corner");
  t.check("a zone is added", (await corners.count()) === 4);
  await corners.first().focus();
  await page.keyboard.press("Shift+ArrowLeft");
  t.check("arrow keys move a corner, and where it is is spoken", /30 % across, 35 % down/.test(await page.textContent("#spoken")));
  await page.locator("#zone-editor input[type=text]").fill("door");
  await page.locator("#zone-editor input[type=number]").fill("30");
  await page.tap("#zone-editor .wide");
  await page.locator("#zone-editor select").last().selectOption("ignore");
  t.check("an ignored zone tells of no stay", await page.locator("#zone-editor input[type=number]").last().isDisabled());
  await t.shot(page, "admin-zones");
  await inspect(t, page, "axe-core finds nothing on the zones");
  t.check("nothing was sent so far", mock.admin.patches.length === 0);
  await page.tap("#zone-editor .strong");
  t.check("zones are applied", await says(page, "#news", /zones are applied/));
  const sent = mock.admin.patches.at(-1).zones;
  t.check("with name, kind and stay", sent.length === 2 && sent[0].name === "door" && sent[0].dwell_s === 30 && sent[1].kind === "ignore" && sent[0].points[0][0] === 0.3, JSON.stringify(sent));
  mock.admin.refuse.push({ method: "PATCH", path: "/api/settings", status: 422, body: { key: "zones", detail: "two zones have the name" } });
  await page.locator("#zone-editor input[type=text]").last().fill("door");
  await page.tap("#zone-editor .strong");
  t.check("a refused zone is explained there", await says(page, "#zone-editor .fault", /two zones/));
  await page.tap("#zone-editor .pair:last-child button:first-child");
  t.check("changes can be discarded", (await page.inputValue("#zone-editor input[type=text] >> nth=-1")) !== "door");
  await page.locator("#zone-editor .bad").first().tap();
  t.check("a zone can be deleted", (await page.locator("#zone-editor .polygon-list li").count()) === 1);
}

async function counts(t, mock) {
  const page = await control(t, mock);
  await page.tap("#counts > summary");
  await page.waitForSelector("#counts-body rect");
  t.check("there is a bar for each hour of the day", (await page.locator("#counts-body rect").count()) === 24);
  t.check("the sum is told", /came, at most 4 at a time/.test(await page.textContent("#counts-body")), await page.textContent("#counts-body"));
  t.check("the heat map has a text", /across/.test(await page.getAttribute("#counts-body canvas", "aria-label")));
  const before = await page.getAttribute("#counts-body svg", "aria-label");
  await page.selectOption("#counts-zone", "door");
  t.check("a zone has a chart of its own", (await page.getAttribute("#counts-body svg", "aria-label")) !== before);
  await page.locator("#counts").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-counts");
  await inspect(t, page, "axe-core finds nothing on the counts");
  await page.tap("#counts-body .bad");
  t.check("erasing asks first", mock.admin.counts.hours.length > 0 && /Press again/.test(await page.textContent("#counts-body .bad")));
  await page.tap("#counts-body .bad");
  t.check("then it erases", await says(page, "#counts-body", /Nothing was counted yet/));
}

async function lists(t, mock) {
  const page = await control(t, mock);
  await page.waitForTimeout(600);
  for (const path of ["/api/viewers", "/api/gallery", "/api/admin/log", "/api/admin/audit", "/api/join"]) {
    t.check(`${path} is not asked for while its list is closed`, !page.requests.some((url) => url.endsWith(path)));
  }
  mock.renditionChange = "loss";
  mock.viewers.set("x", Date.now() - 7000);
  for (const id of ["viewers", "booth", "join", "health", "audit", "log"]) await page.tap(`#${id} > summary`);
  t.check("viewers with the cause of the last change", await says(page, "#viewers-list", /720p, \d+ s.*packets are lost/));
  t.check("health in plain words, with its fix", await says(page, "#health-list", /Disk: 1\.2 GB are free\.[^]*carrier booth clear/));
  t.check("how many wait in the booth", await says(page, "#booth-queue", /3 pictures wait/));
  t.check("its summary", await says(page, "#health-state", /1 warning/));
  t.check("what was done, and by whom", await says(page, "#audit-list", /Shutter closed, by the schedule/));
  t.check("the log", await says(page, "#log-list", /line 60/));
  t.check("join codes", await page.waitForFunction(() => [...document.querySelectorAll("#join-list img")].filter((image) => image.naturalWidth > 0).length === 3).then(() => true));
  t.check("the version", await says(page, "#version", /0\.0\.0-mock/));
  await page.locator("#grid .tools button").first().tap();
  await page.waitForSelector("#grid .is-hidden");
  t.check("a picture of the gallery can be hidden", mock.booth.gallery[0].hidden);
  await page.locator("#grid .tools button").first().tap();
  await page.waitForSelector("#grid .is-hidden", { state: "detached" });
  await page.locator("#booth").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-lists");

  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.waitForTimeout(500);
  const before = mock.admin.requests.length;
  await page.waitForTimeout(4000);
  t.check("a hidden page asks for nothing", mock.admin.requests.length === before, mock.admin.requests.length - before);
  await page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  mock.viewers.clear();
  await page.waitForTimeout(500);
  t.check("and asks at once when it is seen again", mock.admin.requests.length > before);
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function networks(t, mock) {
  const page = await control(t, mock);
  await page.tap("#network > summary");
  t.check("the address that the codes show, and why", await says(page, "#network", /http:\/\/10\.20\.30\.40:8080[^]*default route/));
  t.check("the name that is announced", await says(page, "#network-announced", /carrier\.local:8080/));
  t.check("networks with kind, name and signal", await says(page, "#network-list", /Wi-Fi \(wlan0\)[^]*conf-guest, 72 %/));
  t.check("the one that the codes show is marked", await says(page, "[data-name='wlan0']", /in the codes/));
  const offered = () => page.locator("#network-list button").evaluateAll((all) => all.map((button) => button.dataset.prefer));
  t.check("those that are connected can be chosen", JSON.stringify(await offered()) === '["wlan0","docker0"]', JSON.stringify(await offered()));
  await page.locator("#network").scrollIntoViewIfNeeded();
  await t.shot(page, "admin-network");
  await page.tap("[data-prefer='docker0']");
  t.check("another network is chosen by one tap", await says(page, "#network", /http:\/\/172\.17\.0\.1:8080[^]*You have chosen/));
  t.check("with a merge patch", JSON.stringify(mock.admin.patches.at(-1)) === '{"network":{"prefer":"docker0"}}', JSON.stringify(mock.admin.patches));
  await t.shot(page, "admin-network-chosen");
  await page.tap("#network-auto");
  t.check("and the choice is taken back", await says(page, "#network-why", /default route/));
  mock.admin.change("network.prefer", "enp0s31f6");
  t.check("that a chosen network is not connected is said", await says(page, "#network-gone", /enp0s31f6 was chosen and is not connected/));
  await inspect(t, page, "axe-core finds nothing on the networks");
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

async function away(t, mock) {
  const page = await control(t, mock);
  await says(page, "#shutter-state", /open/);
  await page.route("**/api/**", (route) => route.abort());
  t.check("a station that is gone is reported", await says(page, "#trouble", /does not answer/));
  await t.shot(page, "admin-away");
  const before = page.requests.length;
  await page.waitForTimeout(5000);
  const count = page.requests.slice(before).filter((url) => url.includes("/api/")).length;
  t.check("it is asked with back-off", count <= 5, count);
  mock.admin.close(true, "signal");
  await page.unroute("**/api/**");
  const back = await says(page, "#shutter", /closed\.[^]*signal/, 12000);
  t.check("the page recovers by itself", back && (await page.isHidden("#trouble")));
  await page.context().setOffline(true);
  t.check("a device without a network is reported", await says(page, "#trouble", /offline/));
  await page.context().setOffline(false);
  t.check("and its return is noticed", await page.waitForSelector("#trouble", { state: "hidden", timeout: 12000 }).then(() => true, () => false));
}

async function languages(t, mock) {
  const page = await control(t, mock, { locale: "de-DE", viewport: { width: 320, height: 568 } });
  t.check("the page is translated", await says(page, "#shutter", /Die Kamera ist offen\.[^]*Kamera schließen/));
  await pick(page, "blur_faces");
  await page.selectOption("#language", "es");
  t.check("another language applies at once", (await says(page, "#shutter", /La cámara está abierta/)) && (await says(page, "#set-privacy", /Caras borrosas/)));
  t.check("and keeps what is chosen", await page.isChecked("input[value='blur_faces']"));
}

async function link(t, mock) {
  const page = await t.page({ address: mock.url });
  await page.keyboard.press("s");
  await page.waitForSelector("#statistics:not([hidden])");
  t.check("the live page has no link for strangers", await page.isHidden("#line-admin"));
  const owner = await control(t, mock, { viewport: { width: 1280, height: 800 } });
  await owner.goto(mock.url);
  await owner.keyboard.press("s");
  await owner.waitForSelector("#line-admin:not([hidden])");
  await t.shot(owner, "admin-link");
  await owner.click("#line-admin a");
  await owner.waitForSelector("#control:not([hidden])");
  t.check("the live page links to it for the owner", true);
}

async function looks(t, mock) {
  for (const theme of ["dark", "light", "sunlight"]) {
    const page = await control(t, mock, { withPicture: theme !== "sunlight", ...themed(theme) });
    mock.admin.privacy = { promise: "weak", note: "Only 2 detections a second." };
    await pick(page, "blur_people");
    await page.waitForSelector("#news:not([hidden])");
    for (const id of ["masks", "viewers", "booth", "join", "health", "audit", "log"]) await page.tap(`#${id} > summary`);
    await page.tap("[data-key='classes'] summary");
    await page.waitForSelector("#log-list li");
    await page.waitForSelector("#grid img");
    await page.waitForSelector(".corner");
    await inspect(t, page, `${theme}: axe-core finds nothing`);
    for (const size of SIZES) {
      const [width, height] = size.split("x").map(Number);
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(200);
      await page.evaluate(() => document.body.scrollTo(0, 0));
      await t.shot(page, `admin-${theme}-${size}`);
      if (theme === "dark") continue;
      await page.locator("#privacy-title").evaluate((title) => title.scrollIntoView());
      await t.shot(page, `admin-${theme}-${size}-lower`);
    }
    await page.context().close();
  }
  for (const language of ["en", "de", "es"]) {
    const page = await control(t, mock, { locale: language, reducedMotion: "reduce" });
    for (const id of ["counts", "viewers", "booth", "join", "health", "audit", "log"]) await page.tap(`#${id} > summary`);
    await page.tap("#zones > summary");
    await page.tap("#zone-editor .wide");
    await page.tap("#set-detection summary");
    await page.waitForSelector("#counts-body rect");
    await page.waitForSelector("#grid img");
    for (const size of SIZES) {
      const [width, height] = size.split("x").map(Number);
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(200);
      const faults = await layoutFaults(page);
      t.check(`${language}, ${size}: no cut text, all controls reachable`, faults.length === 0, faults.slice(0, 8).join("; "));
      const { ok, detail } = await fits(page, 43.5);
      t.check(`${language}, ${size}: targets of 44 px`, ok, detail);
    }
    const entry = await t.page({ locale: language, viewport: { width: 320, height: 568 }, address: `${mock.url}admin` });
    await entry.waitForSelector("#entry:not([hidden])");
    const faults = await layoutFaults(entry);
    t.check(`${language}: the form`, faults.length === 0, faults.join("; "));
    await entry.context().close();
    await page.context().close();
  }
}
