// `make bench-power`: CPU seconds of the station a minute, by power profile, viewers and screen, and the hours on a
// battery that they give.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... node web/bench/power.mjs [docs/power.md]
//     [--seconds 20] [--viewers 0,1,5,50] [--profiles full,balanced,saver] [--screen off,on] [--clip FILE]
//     [--battery-wh 50] ... (the keys of ASSUMED in power_model.mjs)
//
// Each cell is a station of its own with a network camera that sends JPEGs. The profiles of one row follow each other
// directly, so that a change of the machine's load meets all of them.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { total } from "./exposition.mjs";
import { machine } from "./machine.mjs";
import { jpegsOfClip, recordedJpegs, startMjpegCamera } from "./mjpeg_camera.mjs";
import { ASSUMED } from "./power_model.mjs";
import { PROFILES, configurationOf } from "./power_profiles.mjs";
import { powerReport } from "./power_report.mjs";
import { attempt, programs, publish } from "./run.mjs";
import { startStation, underLoad, unwatched } from "./station.mjs";
import { sum } from "./table.mjs";

const MODEL = "yolox_nano";
const RECORDED_SECONDS = 10;
const SCENE_FPS = 30;
const SCREEN_SIZE = "1920x1200x24"; // the panel of the Framework Laptop 12

const kebab = (key) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const assumedOptions = Object.keys(ASSUMED).map((key) => [kebab(key), { type: "string" }]);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "20" },
    viewers: { type: "string", default: "0,1,5,50" },
    profiles: { type: "string", default: Object.keys(PROFILES).join(",") },
    screen: { type: "string", default: "off,on" },
    clip: { type: "string" },
    ...Object.fromEntries(assumedOptions),
  },
});
const [binary, lightViewers] = programs("CARRIER_BIN", "LIGHT_VIEWERS");
const seconds = Number(values.seconds);
const profiles = values.profiles.split(",");
const counts = values.viewers.split(",").map(Number);
const screens = values.screen.split(",");
const assumed = { ...ASSUMED };
for (const key of Object.keys(assumed)) assumed[key] = Number(values[kebab(key)] ?? assumed[key]);
const wrong = profiles.find((name) => !PROFILES[name]) ?? screens.find((state) => !["on", "off"].includes(state));
if (wrong !== undefined || ![seconds, ...counts, ...Object.values(assumed)].every((number) => number >= 0)) {
  console.error(`Not understood: ${wrong ?? "a number"}. See the beginning of web/bench/power.mjs.`);
  process.exit(2);
}

const failures = [];
const out = mkdtempSync(path.join(os.tmpdir(), "carrier-power-"));
const children = [];

function model() {
  const shared = process.env.CARRIER_SHARED && path.join(process.env.CARRIER_SHARED, "models");
  const folders = [process.env.CARRIER_MODELS, shared];
  return folders.some((folder) => folder && existsSync(path.join(folder, `${MODEL}.onnx`))) ? MODEL : "embedded";
}

// What the camera of a profile sends: a clip, else the built-in scene at 720p30.
const recordings = new Map();
async function recording(camera) {
  const name = JSON.stringify(camera);
  if (!recordings.has(name)) recordings.set(name, await record(camera));
  return recordings.get(name);
}

async function record(camera) {
  if (values.clip) return jpegsOfClip(values.clip, { ...camera, seconds: RECORDED_SECONDS });
  const station = await startStation({ binary, out, source: "scene", model: "none" });
  const jpegs = await recordedJpegs(`${station.url}stream.mjpg?fps=30`, RECORDED_SECONDS);
  await station.end();
  const recorded = path.join(out, "scene.mjpeg");
  writeFileSync(recorded, Buffer.concat(jpegs));
  return jpegsOfClip(recorded, { ...camera, seconds: RECORDED_SECONDS, clipFps: SCENE_FPS });
}

// An X server for the window of the screen: its display's name.
async function startDisplay() {
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", SCREEN_SIZE, "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  children.push(server);
  const number = await new Promise((done, failed) => {
    server.once("error", failed);
    server.once("exit", () => failed(new Error("Xvfb ended")));
    server.stdio[3].once("data", (digits) => done(String(digits).trim()));
  });
  return `:${number}`;
}

async function cell(profile, count, isScreenOn) {
  const shape = PROFILES[profile];
  const camera = await startMjpegCamera(await recording(shape), shape.fps);
  const config = path.join(out, "carrier.toml");
  writeFileSync(config, configurationOf(profile));
  const more = ["--config", config, "--screen", isScreenOn ? "window" : "off"];
  const station = await startStation({ binary, out, source: `mjpeg:${camera.url}`, model: measured.model, more });
  try {
    const used = count > 0 ? await underLoad(station, { lightViewers, count, seconds }) : await unwatched(station, { seconds });
    const minutes = used.spanMs / 60000;
    const rate = (name) => (total(used.samples, name) ?? 0) / (used.spanMs / 1000);
    return {
      profile,
      count,
      isScreenOn,
      cpuSeconds: sum(used.threads.map(({ ms }) => ms)) / 1000 / minutes,
      threads: used.threads.map(({ name, ms }) => ({ name, cpuSeconds: ms / 1000 / minutes })),
      detectionsPerSecond: rate("carrier_detector_inferred_total"),
      unmovedPerSecond: rate("carrier_detector_unmoved_total"),
      elsewherePercent: used.elsewherePercent,
    };
  } finally {
    await station.end();
    await camera.close();
  }
}

const measured = {
  date: new Date().toISOString().slice(0, 10),
  machine: machine(null),
  model: model(),
  seconds,
  source: values.clip ? "a clip" : "the built-in scene",
  profiles,
  screenSize: SCREEN_SIZE.replace(/x\d+$/, ""),
  assumed,
  cells: [],
  failures,
};
try {
  if (screens.includes("on")) process.env.DISPLAY = await startDisplay();
  for (const state of screens) {
    for (const count of counts) {
      for (const profile of profiles) {
        const what = `${profile}, ${count} viewers, screen ${state}`;
        const seen = await attempt(what, () => cell(profile, count, state === "on"), failures);
        if (seen) measured.cells.push(seen);
      }
    }
  }
} finally {
  for (const child of children) child.kill();
  await sleep(100);
  rmSync(out, { recursive: true, force: true });
}
publish(powerReport(measured), positionals[0], failures, "power");
