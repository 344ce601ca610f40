// `make bench-network`: what viewers see over lossy, slow networks.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... LOSSY_LINK=... node web/bench/network.mjs
//     [--full] [--added | --quick | --only NAME ...] [--source SOURCE] [--runs 3] [--fresh] [BENCHMARKS.md]
//
// Three runs of every condition with the built-in scene. --full: with a webcam clip, too. --source: another source instead,
// as `carrier --source` takes it. --added: the networks outside the grid. --quick: three conditions, once and shorter.
// --only "300 kbit/s, 20 ms, 10 % loss": one condition.
//
// Each run is written to target/bench-network as it ends. The same command with the same programs continues after a break;
// --fresh starts anew. The exit code tells only whether everything was measured, not whether the goals are met.

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { launchChromium } from "../tests/browser/harness/browser.mjs";
import { machine } from "./machine.mjs";
import { addedConditions, gridConditions, quickConditions } from "./network_conditions.mjs";
import { measure } from "./network_measure.mjs";
import { planned, progressText, remaining, runText } from "./network_plan.mjs";
import { report, runSummary } from "./network_report.mjs";
import { openResults } from "./network_results.mjs";
import { givenSource, SCENE, webcamSource } from "./network_sources.mjs";
import { attempt, programs, progress, publish } from "./run.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    added: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    source: { type: "string", multiple: true, default: [] },
    runs: { type: "string" },
    fresh: { type: "boolean", default: false },
  },
});
const paths = programs("CARRIER_BIN", "LIGHT_VIEWERS", "LOSSY_LINK");
const runs = Number(values.runs ?? (values.quick ? 1 : 3));
const conditions = chosenConditions();
const unknown = values.only.filter((name) => !conditions.some((condition) => condition.name === name));
if (!(runs > 0) || unknown.length > 0) {
  const names = conditions.map(({ name }) => `  ${name}`).join("\n");
  console.error(unknown.length > 0 ? `There is no condition ${unknown}. There are:\n${names}` : "--runs is a number.");
  process.exit(2);
}

function chosenConditions() {
  if (values.quick) return quickConditions();
  const all = values.added ? addedConditions() : [...gridConditions(), ...addedConditions()];
  const named = all.filter(({ name }) => values.only.includes(name));
  return named.length > 0 ? named : all;
}

function chosenSources() {
  if (values.source.length > 0) return values.source.map(givenSource);
  return values.full ? [SCENE, webcamSource()] : [SCENE];
}

// A signal ends the present run, and leaves the rest for the next time. Playwright would end the script at once.
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort());
const launch = () => launchChromium([], { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false });

async function measureAll(plan, stored, failures) {
  const out = mkdtempSync(path.join(os.tmpdir(), "carrier-network-"));
  let browser = await launch();
  const version = `Chromium ${browser.version()}`;
  try {
    const left = remaining(plan, stored.results);
    progress(progressText(plan, left));
    while (left.length > 0 && !stop.signal.aborted) {
      const run = left.shift();
      if (!browser.isConnected()) browser = await launch();
      const work = () => measure(run, { browser, programs: paths, out, signal: stop.signal });
      const result = await attempt(runText(run, runs), work, failures);
      if (!result) continue;
      stored.add(result);
      progress(runSummary(run.condition, run.source, result));
      progress(progressText(plan, remaining(plan, stored.results)));
    }
  } finally {
    await browser.close();
    rmSync(out, { recursive: true, force: true });
  }
  return version;
}

const sources = chosenSources();
const plan = planned(sources, conditions, runs);
const stored = await openResults(paths, plan, { isFresh: values.fresh });
const failures = [];
const chromium = await measureAll(plan, stored, failures);
const text = report({
  date: new Date().toISOString().slice(0, 10),
  machine: machine(chromium),
  runs,
  sources,
  conditions,
  results: stored.results,
  failures: stop.signal.aborted ? ["the rest: the measurement was interrupted"] : failures,
});
const left = remaining(plan, stored.results).length;
if (left > 0) progress(`${left} of ${plan.length} runs are left; the same command continues. Results so far: ${stored.file}`);
else progress(`what each viewer saw: ${stored.finish()}`);
publish(text, stop.signal.aborted ? undefined : positionals[0], left > 0 ? ["not all was measured"] : [], "network");
