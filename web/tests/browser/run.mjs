// Looks at the pages with a real browser. Each file in topics/ is one topic; harness/schedule.mjs says
// which of them run beside each other.
//
//   CARRIER_BIN=target/debug/carrier node run.mjs [topic...]     against the program
//   node run.mjs [topic...]                                      against the mock
//   ... --mock-topics       only the topics that need no program
//   ... --station-topics    only the others
//
// Prints every check, then again what was skipped and what failed. Screenshots are left in
// target/browser/. Ends non-zero if a check failed.

import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launchChromium } from "./harness/browser.mjs";
import { makeCarrier } from "./harness/carrier.mjs";
import { freeTcpPort } from "./harness/ports.mjs";
import { LANES, isMockOnly, runAll } from "./harness/schedule.mjs";
import { Topic } from "./harness/topic.mjs";
import { makeMock } from "./mock_server.mjs";

const TOPIC_MS = 90000;
// Whatever hangs outside of a topic: a browser or a station that does not end.
const RUN_MS = 1500000;
// A viewer that left without a word is forgotten within 30 s.
const VIEWERS_GONE_MS = 40000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "mock-topics": { type: "boolean" }, "station-topics": { type: "boolean" } },
});
const out = fileURLToPath(new URL("../../../target/browser/", import.meta.url));
mkdirSync(out, { recursive: true });

setTimeout(() => {
  console.log(`FAILED: the whole took over ${RUN_MS / 60000} minutes`);
  process.exit(1);
}, RUN_MS).unref();
const topics = await loadTopics();
const binary = process.env.CARRIER_BIN;
const station = topics.every(({ name }) => isMockOnly(name)) ? null : await makeStation();
const browsers = await Promise.all(Array.from({ length: LANES }, () => launchChromium()));
const failed = [];
const skipped = [];
try {
  await station?.start();
  const what = station ? (binary ?? "the mock") : "the pages alone";
  console.log(`looking at ${what} with Chromium ${browsers[0].version()}\n`);
  await runAll(topics, runTopic, viewersAreGone);
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
  await station?.end();
}
for (const line of skipped) console.log(`skipped: ${line}`);
for (const line of failed) console.log(`FAILED: ${line}`);
console.log(failed.length ? `\n${failed.length} failed` : "\nall passed");
process.exitCode = failed.length ? 1 : 0;

async function loadTopics() {
  const names = readdirSync(new URL("./topics/", import.meta.url))
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => name.replace(".mjs", ""))
    .filter((name) => positionals.length === 0 || positionals.includes(name))
    .filter((name) => !values["mock-topics"] || isMockOnly(name))
    .filter((name) => !values["station-topics"] || !isMockOnly(name));
  if (names.length === 0) throw new Error(`no such topic: ${positionals.join(", ")}`);
  const load = async (name) => ({ name, limitMs: TOPIC_MS, ...(await import(`./topics/${name}.mjs`)) });
  return Promise.all(names.map(load));
}

async function makeStation() {
  return binary ? makeCarrier({ binary, out }) : makeMock({ port: await freeTcpPort() });
}

async function runTopic({ name, title, run, limitMs }, lane) {
  const topic = new Topic({ title, station, browser: browsers[lane], out });
  const began = Date.now();
  let timer = null;
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took over ${limitMs / 1000} s`)), limitMs);
  });
  try {
    await Promise.race([run(topic), tooLong]);
  } catch (error) {
    topic.check("runs to its end", false, error.message.split("\n")[0]);
    await photograph(topic, name);
  }
  clearTimeout(timer);
  await topic.close();
  report(name, topic, Date.now() - began);
}

// Topics that run alone count viewers and measure frames: those of the topic before must be gone.
async function viewersAreGone() {
  if (!binary) return;
  const until = Date.now() + VIEWERS_GONE_MS;
  while (Date.now() < until) {
    const { viewers } = await (await fetch(`${station.url}api/status`)).json();
    if (viewers === 0) return;
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function photograph(topic, name) {
  const page = topic.contexts.at(-1)?.pages().at(-1);
  if (page) await topic.shot(page, `failed-${name}`).catch(() => {});
}

function report(name, topic, tookMs) {
  console.log(`${name.padEnd(14)} ${topic.title} (${(tookMs / 1000).toFixed(1)} s)`);
  if (topic.skipped) skipped.push(`${name}: ${topic.skipped}`);
  for (const { name: check, ok, detail } of topic.checks) {
    const line = `${check}${detail ? `  [${detail}]` : ""}`;
    console.log(`  ${ok ? "ok  " : "FAIL"} ${line}`);
    if (!ok) failed.push(`${name}: ${line}`);
  }
}
