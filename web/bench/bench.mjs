// `make bench`: what a frame costs, how late it is shown, and what viewers add, on this machine.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... node web/bench/bench.mjs [BENCHMARKS.md]
//
// The exit code tells only whether everything could be measured, not whether the limits hold.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { launchChromium } from "../tests/browser/harness/browser.mjs";
import { percentile } from "../tests/browser/harness/eyes.mjs";
import { measure } from "../tests/browser/latency.mjs";
import { machine } from "./machine.mjs";
import { report } from "./report.mjs";
import { attempt, programs, publish } from "./run.mjs";
import { rush, startStation, underLoad } from "./station.mjs";

const MODEL = "yolox_nano";
const STAGE_SECONDS = 20;
const PLAIN_SECONDS = 10;
const CROWD_SECONDS = 8;
const PAGE_SECONDS = 3;
const PAGES = 10;

const [binary, lightViewers] = programs("CARRIER_BIN", "LIGHT_VIEWERS");
const document = process.argv[2];
const failures = [];
const step = (what, work) => attempt(what, work, failures);

function hasModel() {
  const folders = [process.env.CARRIER_MODELS, sharedModels(), "models"];
  return folders.some((folder) => folder && existsSync(path.join(folder, `${MODEL}.onnx`)));
}

function sharedModels() {
  return process.env.CARRIER_SHARED && path.join(process.env.CARRIER_SHARED, "models");
}

async function inBrowser(browser, station) {
  const seen = await measure(browser, station.url, { pages: PAGES, seconds: PAGE_SECONDS });
  return { ...seen, join_p95_ms: percentile(seen.joins_ms, 0.95) };
}

async function withStation(out, model, work) {
  const station = await startStation({ binary, out, model });
  try {
    await work(station);
  } finally {
    await station.end();
  }
}

async function measureAll(browser, out, measured) {
  const { latency, loads } = measured;
  const load = (station, count, seconds) => underLoad(station, { lightViewers, count, seconds });
  const alone = (station, seconds) => step(`one viewer, ${seconds} s`, () => load(station, 1, seconds));
  const crowds = async (station) => {
    for (const count of [10, 50]) {
      const seen = await step(`${count} viewers`, () => load(station, count, CROWD_SECONDS));
      if (seen) loads.push(seen);
    }
    for (const count of [100, 200]) {
      const seen = await step(`${count} joins within a second`, () =>
        rush(station, { lightViewers, count }),
      );
      if (seen) measured.rushes.push(seen);
    }
  };
  const chromium = (station) =>
    browser && step(`latency of ${PAGES} pages in Chromium`, () => inBrowser(browser, station));

  if (measured.model) {
    await step(`a station with ${measured.model}`, () =>
      withStation(out, measured.model, async (station) => {
        const one = await alone(station, STAGE_SECONDS);
        measured.detecting = one;
        if (one) loads.push(one);
        await crowds(station);
        latency.detecting = await chromium(station);
      }),
    );
  }
  await step("a station with plain video", () =>
    withStation(out, "none", async (station) => {
      measured.plain = await alone(station, PLAIN_SECONDS);
      if (!measured.model) {
        if (measured.plain) loads.push(measured.plain);
        await crowds(station);
      }
      latency.plain = await chromium(station);
    }),
  );
}

const out = mkdtempSync(path.join(os.tmpdir(), "carrier-bench-"));
const browser = await step("Chromium", () => launchChromium());
const measured = {
  date: new Date().toISOString().slice(0, 10),
  machine: machine(browser && `Chromium ${browser.version()}`),
  model: hasModel() ? MODEL : null,
  notes: [],
  detecting: null,
  plain: null,
  loads: [],
  rushes: [],
  latency: { detecting: null, plain: null },
};
if (!measured.model) {
  measured.notes.push(
    `No ${MODEL}.onnx was found, so nothing was detected: set CARRIER_SHARED or CARRIER_MODELS.`,
  );
}
try {
  await measureAll(browser, out, measured);
} finally {
  await browser?.close();
  rmSync(out, { recursive: true, force: true });
}
if (failures.length > 0) {
  const lines = failures.map((line) => `- ${line}`);
  measured.notes.push(["Could not be measured:", "", ...lines].join("\n"));
}
publish(report(measured), document, failures);
