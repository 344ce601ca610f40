// A station under measurement, and light viewers of it.

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCarrier } from "../tests/browser/harness/carrier.mjs";
import { difference, parse, total } from "./exposition.mjs";
import { machineMs, memory, processMs, threadTimes, threadsBetween } from "./machine.mjs";

const READY_MS = 30000;
const SETTLE_MS = 2000; // for rate control, tracker and page caches

export async function startStation({ binary, out, source, model, more = [] }) {
  const station = await makeCarrier({ binary, out, source, more: ["--model", model, ...more] });
  try {
    await station.start();
    await until("the station is ready", READY_MS, async () => {
      return (await fetch(`${station.url}readyz`)).ok;
    });
  } catch (error) {
    await station.kill();
    throw error;
  }
  return station;
}

export async function scrape(station) {
  const response = await fetch(`${station.url}metrics`);
  return parse(await response.text());
}

// `count` light viewers for `seconds`: what they saw, and what the station used meanwhile.
export async function underLoad(station, { lightViewers, count, seconds, joinMs = 1000, whole = false }) {
  // On a busy machine it takes time until a large crowd is counted.
  const stay = SETTLE_MS / 1000 + seconds + 2 + count / 100;
  const crowd = startCrowd(station, lightViewers, [count, stay, joinMs, ...(whole ? ["whole"] : [])]);
  const before = await scrape(station);
  await sleep(joinMs);
  await until(`${count} viewers are connected`, 15000, async () => {
    const joined = difference(before, await scrape(station));
    return total(joined, "carrier_viewer_first_keyframe_seconds_count") >= count;
  });
  await sleep(SETTLE_MS);
  const spent = await usage(station, crowd.child.pid, seconds * 1000);
  const seen = await crowd.ended;
  await allLeft(station);
  return { viewers: count, seen, ...spent };
}

// What the station uses in `seconds` without a viewer.
export async function unwatched(station, { seconds }) {
  await sleep(SETTLE_MS);
  const spent = await usage(station, null, seconds * 1000);
  return { viewers: 0, ...spent };
}

// `count` joins within `joinMs`, and the keyframes that they cost.
export async function rush(station, { lightViewers, count, joinMs = 1000, seconds = 4 }) {
  const before = await scrape(station);
  const seen = await startCrowd(station, lightViewers, [count, seconds, joinMs]).ended;
  const spent = difference(before, await scrape(station));
  await allLeft(station);
  return {
    viewers: count,
    seen,
    keyframes: total(spent, "carrier_encode_keyframes_total"),
    replays: total(spent, "carrier_join_replays_total"),
  };
}

async function usage(station, crowdPid, forMs) {
  // CPU time of anything but the station and its viewers, which disturbs the measurement.
  const elsewhereMs = () => machineMs() - processMs(station.pid) - (crowdPid ? processMs(crowdPid) : 0);
  const elsewhereBefore = elsewhereMs();
  const [metricsBefore, threadsBefore] = [await scrape(station), threadTimes(station.pid)];
  const began = performance.now();
  await sleep(forMs);
  const [metricsAfter, threadsAfter] = [await scrape(station), threadTimes(station.pid)];
  const spanMs = performance.now() - began;
  const elsewherePercent = ((elsewhereMs() - elsewhereBefore) / spanMs) * 100;
  const samples = difference(metricsBefore, metricsAfter);
  return {
    spanMs,
    elsewherePercent,
    samples,
    cpuPercent: (total(samples, "process_cpu_seconds_total") / spanMs) * 1e5,
    threads: threadsBetween(threadsBefore, threadsAfter),
    ...memory(station.pid),
  };
}

export function startCrowd(station, lightViewers, args) {
  return startLightViewers(lightViewers, [new URL(station.url).host, ...args]);
}

// Gives {child, ended}; `ended` resolves to the JSON that the program prints.
export function startLightViewers(binary, args, stdin = "ignore") {
  const child = spawn(binary, args.map(String), { stdio: [stdin, "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const ended = new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => {
      if (code === 0) done(JSON.parse(text));
      else failed(new Error(`the light viewers ended with ${code}`));
    });
  });
  // It is awaited later; until then a failure must not end the script.
  ended.catch(() => {});
  return { child, ended };
}

function allLeft(station) {
  return until("all viewers have left", 30000, async () => {
    return total(await scrape(station), "carrier_viewers") === 0;
  });
}

async function until(what, withinMs, happened) {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    if (await happened()) return;
    await sleep(100);
  }
  throw new Error(`not within ${withinMs / 1000} s: ${what}`);
}
