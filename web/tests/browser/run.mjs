// Looks at the viewer page with a real browser, one topic after the other.
//
//   CARRIER_BIN=target/release/carrier node run.mjs [topic...]     against the program
//   node run.mjs [topic...]                                        against the mock
//
// Prints a table, leaves screenshots in target/browser/, ends non-zero if a check failed.

import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launchChromium } from "./harness/browser.mjs";
import { makeCarrier } from "./harness/carrier.mjs";
import { freeTcpPort } from "./harness/ports.mjs";
import { Topic } from "./harness/topic.mjs";
import { makeMock } from "./mock_server.mjs";

const TOPIC_MS = 90000;
const out = fileURLToPath(new URL("../../../target/browser/", import.meta.url));
mkdirSync(out, { recursive: true });

const names = readdirSync(new URL("./topics/", import.meta.url))
  .filter((name) => name.endsWith(".mjs"))
  .map((name) => name.replace(".mjs", ""))
  .filter((name) => process.argv.length < 3 || process.argv.slice(2).includes(name));
if (names.length === 0) throw new Error(`no such topic: ${process.argv.slice(2).join(", ")}`);

const binary = process.env.CARRIER_BIN;
const station = binary
  ? await makeCarrier({ binary, out })
  : await makeMock({ port: await freeTcpPort() });
const browser = await launchChromium();
let failures = 0;
try {
  await station.start();
  console.log(`looking at ${binary ?? "the mock"} with Chromium ${browser.version()}\n`);
  for (const name of names) failures += await runTopic(name);
} finally {
  await browser.close();
  await station.end();
}
console.log(failures ? `\n${failures} failed` : "\nall well");
process.exitCode = failures ? 1 : 0;

async function runTopic(name) {
  const { title, run, limitMs = TOPIC_MS } = await import(`./topics/${name}.mjs`);
  const topic = new Topic({ title, station, browser, out });
  const began = Date.now();
  let timer = null;
  const tooLong = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`took over ${limitMs / 1000} s`)), limitMs);
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
  return topic.checks.filter((check) => !check.ok).length;
}

async function photograph(topic, name) {
  const page = topic.contexts.at(-1)?.pages().at(-1);
  if (page) await topic.shot(page, `failed-${name}`).catch(() => {});
}

function report(name, topic, tookMs) {
  console.log(`${name.padEnd(14)} ${topic.title} (${(tookMs / 1000).toFixed(1)} s)`);
  if (topic.skipped) console.log(`  skipped: ${topic.skipped}`);
  for (const { name: check, ok, detail } of topic.checks) {
    console.log(`  ${ok ? "ok  " : "FAIL"} ${check}${detail ? `  [${detail}]` : ""}`);
  }
}
