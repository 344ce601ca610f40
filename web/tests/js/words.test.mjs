import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { initial } from "../../pages/app/connection.js";
import { ENGLISH } from "../../pages/app/live_words.js";
import * as figures from "../../pages/app/stats.js";
import { makeWords } from "../../pages/app/language.js";
import { withCode } from "../../pages/app/page.js";
import * as words from "../../pages/app/notices.js";

const table = (code) => JSON.parse(readFileSync(new URL(`../../pages/lang/${code}.json`, import.meta.url), "utf8"));
const en = makeWords("en", ENGLISH, ENGLISH);
const de = makeWords("de", table("de"), ENGLISH);
const es = makeWords("es", table("es"), ENGLISH);

const state = (overrides) => ({ ...initial(), ...overrides });

test("every state of the connection has its texts", () => {
  const said = (overrides) => {
    const { short, long } = words.connectionWords(en.say, state(overrides));
    return long || short;
  };
  assert.equal(said({ name: "connecting" }), "Connecting…");
  assert.equal(said({ name: "live" }), "Live");
  assert.equal(said({ name: "reconnecting", pictureAt: 1 }), "Connection lost. Trying again.");
  assert.equal(said({ name: "reconnecting" }), "The station does not answer. Trying again.");
  assert.equal(
    said({ name: "fallback" }),
    "Showing the simple stream: WebRTC is blocked here. Still trying.",
  );
  assert.equal(
    said({ name: "fallback", webrtc: false }),
    "Showing the simple stream: this browser cannot play the live one.",
  );
  assert.equal(
    said({ name: "connecting", refused: 503 }),
    "The station is full. Waiting for a place.",
  );
  assert.match(said({ name: "connecting", refused: 401 }), /the link with the token/);
  assert.match(said({ name: "reconnecting", pictureAt: 1, refused: 429 }), /limit of viewers/);
});

test("a live connection to a station without a camera is not called live", () => {
  const status = { source: { state: "lost" } };
  assert.equal(words.connectionWords(en.say, state({ name: "live" }), status).short, "No signal");
});

test("the station's problems, most urgent first, with the command that helps", () => {
  const said = words.stationWords(en.say, {
    source: { state: "lost", reason: "Camera unplugged. Waiting for it.", note: "No webcam found" },
    detector: {
      state: "missing",
      message: "No model installed.",
      fix: "carrier models pull yolox_nano",
    },
  });
  assert.deepEqual(
    said.map((line) => line.text),
    [
      "Camera unplugged. Waiting for it.",
      "No model installed: run `carrier models pull yolox_nano`",
      "No webcam found.",
    ],
  );
  assert.equal(said[0].tone, "bad");
});

test("no problem and no status give no text", () => {
  const well = { source: { state: "live", note: null }, detector: { state: "running" } };
  assert.deepEqual(words.stationWords(en.say, well), []);
  assert.deepEqual(words.stationWords(en.say, {}), []);
  assert.deepEqual(words.stationWords(en.say, null), []);
});

test("text between backticks is a command", () => {
  globalThis.document = { createElement: (name) => ({ name }) };
  assert.deepEqual(withCode("run `a b` now"), ["run ", { name: "code", textContent: "a b" }, " now"]);
  delete globalThis.document;
});

test("bit rates and shares", () => {
  assert.equal(figures.bitrateWords(en, 1_512_000), "1.5 Mbit/s");
  assert.equal(figures.bitrateWords(en, 640_400), "640 kbit/s");
  assert.equal(figures.shareWords(en, 0), "0 %");
  assert.equal(figures.shareWords(en, 0.0004), "< 0.1 %");
  assert.equal(figures.shareWords(en, 0.0123), "1.2 %");
});

test("whether the feed is sent on, and where", () => {
  assert.equal(figures.publishWords(en, null), null);
  assert.equal(figures.publishWords(en, undefined), null);
  const host = "https://a.example";
  const waiting = { state: "waiting", host, reason: "The server is busy (503).", since_s: 3 };
  assert.deepEqual(figures.publishWords(en, waiting), {
    text: "trying again",
    title: "https://a.example: The server is busy (503).",
  });
  const live = figures.publishWords(en, { state: "live", host, reason: null, since_s: 9 });
  assert.deepEqual(live, { text: "live", title: host });
  const sent = { rendition: "360p", bitrate_bps: 580000 };
  assert.equal(figures.publishWords(en, { state: "live", host, reason: null, sent }).text, "live · 360p · 580 kbit/s");
});

test("the latency, exact or estimated", () => {
  assert.equal(figures.latencyWords(en, 41.6, true), "42 ms");
  assert.equal(figures.latencyWords(en, 41.6, false), "about 42 ms");
  assert.equal(figures.latencyWords(de, 1234, false), "etwa 1.234 ms");
});

test("the detector's rate, or its state, which may have no text", () => {
  const running = { state: "running", fps: 29.6, model: "m", provider: "cpu" };
  assert.deepEqual(figures.detectorRate(en, running), { text: "30 fps", title: "m on cpu" });
  const tried = figures.detectorRate(de, { ...running, experimental: true });
  assert.equal(tried.title, "m (experimentell) auf cpu");
  assert.equal(figures.detectorRate(en, { state: "warming" }).text, "warming up");
  assert.equal(figures.detectorRate(de, { state: "off" }).text, "aus");
  assert.equal(figures.detectorRate(es, { state: "dreaming" }).text, "dreaming");
  assert.equal(figures.detectorRate(en, undefined).text, null);
});

test("problems are translated, the station's own sentences are not", () => {
  const fallback = words.connectionWords(de.say, state({ name: "fallback", refused: 503 }));
  assert.equal(fallback.short, "Einfacher Stream");
  assert.match(fallback.long, /Die Station ist voll/);
  const detector = { state: "missing", message: "No model installed.", fix: "carrier models pull x" };
  const [camera, model] = words.stationWords(de.say, { source: { state: "lost" }, detector });
  assert.equal(camera.text, "Kein Bild von der Kamera. Warten, bis sie wieder da ist.");
  assert.equal(model.text, "Die Erkennung fehlt (No model installed): `carrier models pull x` ausführen");
  const source = { state: "lost", reason: "Camera unplugged. Waiting for it.", note: "The built-in scene" };
  const [why, note] = words.stationWords(de.say, { source });
  assert.equal(why.text, "Kein Bild von der Kamera. (Camera unplugged. Waiting for it.)");
  assert.equal(note.text, "Die Station meldet: The built-in scene.");
  const failed = words.stationWords(es.say, { detector: { state: "failed" } });
  assert.equal(failed[0].text, "La detección se ha detenido.");
  assert.equal(figures.publishWords(de, { state: "waiting", host: "h" }).text, "wartet");
});

test("numbers are formatted for the language", () => {
  assert.equal(figures.bitrateWords(de, 1_512_000), "1,5 Mbit/s");
  assert.equal(figures.bitrateWords(en, 2_000_000), "2.0 Mbit/s");
  assert.equal(figures.shareWords(de, 0.0004), "< 0,1 %");
  assert.equal(figures.shareWords(es, 0.0123), "1,2 %");
});

test("a missing runtime is named once, without paths", () => {
  const message =
    "ONNX Runtime is not installed; looked for libonnxruntime.so in /home/me/.cache/carrier/runtime. `make runtime` fetches it";
  const said = (detector) => words.stationWords(en.say, { detector })[0].text;
  assert.equal(said({ state: "missing", message, fix: "make runtime" }), "Detection is not installed: run `make runtime`");
  assert.equal(said({ state: "failed", message: "C:\\carrier\\x.onnx is damaged", fix: null }), "Detection stopped.");
  const told = "ONNX Runtime is not installed: `make runtime` fetches it.";
  assert.equal(said({ state: "missing", message: told, fix: "make runtime" }), told);
  assert.equal(said({ state: "failed", message: "m".repeat(200), fix: "carrier run --model /home/me/x.onnx" }), "Detection stopped.");
  assert.equal(said({ state: "missing", message: null, fix: null }), "Detection is not installed.");
});

test("a change of the source is announced, a source that stays or comes back is not", () => {
  const source = (description, published, state = "live") => ({ description, published, state });
  const said = (before, after) => words.changeWords(en.say, before, after);
  const [scene, phone, obs] = [source("test scene", false), source("phone camera", true), source("OBS", true)];
  assert.equal(said(scene, phone), "The picture now comes from phone camera.");
  assert.equal(said(phone, obs), "The picture now comes from OBS.");
  assert.equal(said(obs, scene), "The station's own camera is back.");
  for (const [before, after] of [
    [scene, scene],
    [phone, phone],
    [undefined, phone],
    [scene, source("webcam", false)],
    [source("webcam", false, "lost"), scene],
    [phone, source("test scene", false, "lost")],
  ]) {
    assert.equal(said(before, after), null);
  }
});
