// `make bench-network`: what viewers get over lossy, slow networks.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... LOSSY_LINK=... node web/bench/network.mjs
//     [--quick | --only=NAME] [BENCHMARKS.md]
//
// It reports and does not judge: the exit code tells only whether everything could be measured.
// --quick: three conditions, shorter. --only="300 kbit/s, 20 ms, 10 % loss": that one.
// NETWORK_SOURCE: another source than the test scene, in a loop. With NETWORK_RAW=FILE what each viewer
// saw goes there as JSON.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { launchChromium } from "../tests/browser/harness/browser.mjs";
import { makeCarrier } from "../tests/browser/harness/carrier.mjs";
import { startLossyLink } from "./lossy_link.mjs";
import { machine } from "./machine.mjs";
import { allConditions, LIFT, nameOf, ordersFor, quickConditions } from "./network_conditions.mjs";
import { report, summary } from "./network_report.mjs";
import { openPage, startLightViewer } from "./network_viewers.mjs";
import { startProxy } from "./proxy.mjs";
import { replaceGenerated } from "./table.mjs";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const only = args.find((arg) => arg.startsWith("--only="))?.slice("--only=".length);
const document = args.find((arg) => !arg.startsWith("--"));
const MORE = ["--model", "none"];
const source = process.env.NETWORK_SOURCE ?? "scene";
if (source !== "scene") MORE.push("--loop");

const WATCH_S = quick ? 12 : 20;
// Behind a limit that goes: how long the way back is watched.
const RECOVER_S = 12;

const { CARRIER_BIN: binary, LIGHT_VIEWERS: lightViewers, LOSSY_LINK: lossyLink } = process.env;
if (!binary || !lightViewers || !lossyLink) {
  console.error(
    "CARRIER_BIN, LIGHT_VIEWERS and LOSSY_LINK name the programs; `make bench-network` sets them.",
  );
  process.exit(2);
}

const began = performance.now();
function say(text) {
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stderr.write(`[${String(seconds).padStart(4)} s] ${text}\n`);
}

// Both viewers under one condition, each behind a link of its own. A station of its own as well, so
// that nothing remembers the condition before.
async function measure(browser, out, conditions, ends) {
  const end = (what) => ends.unshift(what) && what;
  const station = end(await makeCarrier({ binary, out, more: ["--model", "none"] }));
  await station.start();
  const { mediaPort } = station;
  const link = end(await startLossyLink({ binary: lossyLink, mediaPort }));
  for (const order of ordersFor(conditions)) await link.order(order);
  const proxy = end(await startProxy(station.url, link));
  const light = startLightViewer(lightViewers, proxy.url);
  const page = await openPage(browser, proxy.url);
  await sleep(WATCH_S * 1000);
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

async function endAll(ends) {
  for (const what of ends) await what.end();
}

const out = mkdtempSync(path.join(os.tmpdir(), "carrier-network-"));
const browser = await launchChromium();
const runs = [];
const failures = [];
try {
  for (const conditions of quick ? quickConditions() : allConditions()) {
    if (only && nameOf(conditions) !== only) continue;
    const ends = [];
    say(nameOf(conditions));
    try {
      const run = await measure(browser, out, conditions, ends);
      runs.push(run);
      say(summary(run));
    } catch (error) {
      failures.push(`${nameOf(conditions)}: ${error.message.split("\n")[0]}`);
      say(`could not be measured: ${error.message}`);
    } finally {
      await endAll(ends);
    }
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
process.stdout.write(text);
if (process.env.NETWORK_RAW) writeFileSync(process.env.NETWORK_RAW, JSON.stringify(runs));
if (document) {
  const old = existsSync(document) ? readFileSync(document, "utf8") : "# Benchmarks\n";
  writeFileSync(document, replaceGenerated(old, text, "network"));
  say(`written to ${path.basename(document)}`);
}
process.exit(failures.length > 0 ? 1 : 0);
