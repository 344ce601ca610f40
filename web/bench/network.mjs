// `make bench-network`: what viewers see over lossy, slow networks.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... LOSSY_LINK=... node web/bench/network.mjs
//     [--quick | --added | --only=NAME] [BENCHMARKS.md]
//
// The exit code tells only whether everything could be measured, not whether the goals are met.
// --quick: three conditions, shorter. --added: jitter, bursts, steps, an outage, a long queue, 150 kbit/s. --only="300 kbit/s, 20 ms, 10 % loss": one condition.
// NETWORK_RAW=FILE: writes there as JSON what each viewer saw.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { launchChromium } from "../tests/browser/harness/browser.mjs";
import { makeCarrier } from "../tests/browser/harness/carrier.mjs";
import { startLossyLink, startProxy } from "./link.mjs";
import { machine } from "./machine.mjs";
import {
  addedConditions,
  allConditions,
  LIFT,
  nameOf,
  ordersFor,
  quickConditions,
  report,
  summary,
} from "./network_report.mjs";
import { openPage, startWatching } from "./network_viewers.mjs";
import { attempt, programs, progress, publish } from "./run.mjs";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const added = args.includes("--added");
const only = args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length);
const document = args.find((arg) => !arg.startsWith("--"));

const WATCH_S = quick ? 12 : 20;
// After a rate limit ends: how long the recovery is watched.
const RECOVER_S = 12;

const [binary, lightViewers, lossyLink] = programs("CARRIER_BIN", "LIGHT_VIEWERS", "LOSSY_LINK");

// Both viewers under one condition, with a new station and a new link, so that no state is left of the condition
// before.
async function measure(browser, out, conditions, ends) {
  const end = (what) => ends.unshift(what) && what;
  const station = end(await makeCarrier({ binary, out, more: ["--model", "none"] }));
  await station.start();
  const { mediaPort } = station;
  const link = end(await startLossyLink({ binary: lossyLink, mediaPort }));
  for (const order of ordersFor(conditions)) await link.order(order);
  const proxy = end(await startProxy(station.url, link));
  const light = startWatching(lightViewers, proxy.url);
  const page = await openPage(browser, proxy.url);
  const watchSeconds = conditions.watchSeconds ?? WATCH_S;
  let passed = 0;
  for (const [at, order] of conditions.steps ?? []) {
    await sleep((at - passed) * 1000);
    await link.order(order);
    passed = at;
  }
  await sleep((watchSeconds - passed) * 1000);
  const span = { to: Date.now(), recoveredBy: null };
  const counters = await link.order("read");
  if (conditions.lifts) {
    await link.order(LIFT);
    await sleep(RECOVER_S * 1000);
    span.recoveredBy = Date.now();
  }
  const [chromium, seen] = await Promise.all([page.ended(), light.ended()]);
  return { conditions, span, link: counters, chromium, light: seen };
}

const out = mkdtempSync(path.join(os.tmpdir(), "carrier-network-"));
const browser = await launchChromium();
const runs = [];
const failures = [];
try {
  const chosen = quick ? quickConditions() : added ? addedConditions() : [...allConditions(), ...addedConditions()];
  for (const conditions of chosen) {
    if (!only && !added && conditions.name) continue;
    if (only && nameOf(conditions) !== only) continue;
    const ends = [];
    const run = await attempt(nameOf(conditions), () => measure(browser, out, conditions, ends), failures);
    for (const what of ends) await what.end();
    if (!run) continue;
    runs.push(run);
    progress(summary(run));
  }
} finally {
  await browser.close();
  rmSync(out, { recursive: true, force: true });
}
const text = report({
  date: new Date().toISOString().slice(0, 10),
  machine: machine(`Chromium ${browser.version()}`),
  watchSeconds: WATCH_S,
  recoverSeconds: RECOVER_S,
  runs,
  failures,
});
if (process.env.NETWORK_RAW) writeFileSync(process.env.NETWORK_RAW, JSON.stringify(runs));
publish(text, document, failures, "network");
