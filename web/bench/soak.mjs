// A station under mixed load for a long time: viewers that stay, viewers that come and go, uploads to the photo
// booth, and malicious traffic. Checks that memory, descriptors and frame rate stay constant.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... node web/bench/soak.mjs [--minutes 60] [--viewers 200] [--photo FILE] [--samples FILE.json]
//
// A fifth of the viewers leave and are replaced each half minute. About one request or datagram in a hundred is
// malicious. Exits with 1 when something grew.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { difference, total } from "./exposition.mjs";
import { startMalice } from "./malice.mjs";
import { memory } from "./machine.mjs";
import { programs } from "./run.mjs";
import { scrape, startCrowd, startStation } from "./station.mjs";
import { median, number, table } from "./table.mjs";

const SAMPLE_MS = 10000;
const CHURN_MS = 30000;
const UPLOAD_MS = 10000;
const JOB_MAX_MS = 300000; // jobs run at the lowest priority
const WARM_UP_SHARE = 0.2; // of the time, in which caches, pools and the encoder's memory grow once
const GROWTH_ALLOWED = 1.1;

const [binary, lightViewers] = programs("CARRIER_BIN", "LIGHT_VIEWERS");
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    viewers: { type: "string", default: "200" },
    photo: { type: "string" },
    model: { type: "string", default: "embedded" },
    samples: { type: "string" },
  },
});
const [minutes, viewers] = [Number(values.minutes), Number(values.viewers)];

// Null when the light viewers fail.
function crowd(station, count, seconds, joinMs) {
  return startCrowd(station, lightViewers, [count, seconds, joinMs]).ended.catch(() => null);
}

// Viewers that come and go until `isOver()`.
async function churn(station, isOver) {
  const seen = [];
  const each = Math.max(1, Math.round(viewers / 5));
  while (!isOver()) {
    seen.push(await crowd(station, each, CHURN_MS / 1000, CHURN_MS / 6));
  }
  return seen;
}

// A visitor orders a picture, waits for it, and deletes it.
async function upload(station, photo) {
  const form = new FormData();
  form.set("style", "pencil");
  if (photo) form.set("image", new Blob([photo], { type: "image/jpeg" }), "photo.jpg");
  const sent = await fetch(`${station.url}api/stylise`, { method: "POST", body: form });
  if (sent.status !== 202) return `${sent.status}`;
  const { id } = await sent.json();
  const job = `${station.url}api/stylise/${id}`;
  for (const end = performance.now() + JOB_MAX_MS; performance.now() < end; ) {
    const { state } = await (await fetch(job)).json();
    if (state === "done") break;
    if (!["queued", "running"].includes(state)) return state;
    await sleep(250);
  }
  const result = await fetch(`${job}/result.jpg`);
  const bytes = (await result.arrayBuffer()).byteLength;
  await fetch(job, { method: "DELETE" });
  return result.ok && bytes > 1000 ? "done" : `result ${result.status}`;
}

async function uploads(station, booth, isOver) {
  const photo = values.photo && readFileSync(values.photo);
  const outcomes = new Map();
  while (!isOver()) {
    booth.isBusy = true;
    const outcome = await upload(station, photo).catch((error) => error.message);
    booth.isBusy = false;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await sleep(UPLOAD_MS);
  }
  return outcomes;
}

const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

async function samples(station, booth, isOver) {
  const taken = [];
  let before = await scrape(station);
  let at = performance.now();
  while (!isOver()) {
    await sleep(SAMPLE_MS);
    const asked = performance.now();
    const now = await scrape(station);
    const answeredMs = performance.now() - asked;
    const grew = difference(before, now);
    taken.push({
      isBoothBusy: booth.isBusy,
      rssMb: memory(station.pid).rssMb,
      descriptors: descriptors(station.pid),
      threads: readdirSync(`/proc/${station.pid}/task`).length,
      fps: (total(grew, "carrier_compose_frames_total") / (asked - at)) * 1000,
      cpuPercent: (total(grew, "process_cpu_seconds_total") / (asked - at)) * 1e5,
      viewers: total(now, "carrier_viewers"),
      answeredMs,
    });
    [before, at] = [now, asked];
  }
  return taken;
}

// Medians of the first and the last quarter after the warm-up.
function compare(taken) {
  const warm = taken.slice(Math.ceil(taken.length * WARM_UP_SHARE));
  const row = (name, key, decimals, flat, counts = () => true) => {
    const numbers = warm.filter(counts).map((one) => one[key]);
    const part = Math.max(1, Math.floor(numbers.length / 4));
    const [first, last] = [median(numbers.slice(0, part)), median(numbers.slice(-part))];
    return { name, first, last, decimals, flat: flat(first, last) };
  };
  const grows = (first, last) => last <= first * GROWTH_ALLOWED + 2;
  const falls = (first, last) => last >= first / GROWTH_ALLOWED;
  return [
    // A job needs tens of megabytes while it runs.
    row("memory between booth jobs, MB", "rssMb", 1, grows, (one) => !one.isBoothBusy),
    row("memory, booth jobs included, MB", "rssMb", 1, () => true),
    row("descriptors", "descriptors", 0, grows),
    row("threads", "threads", 0, grows),
    row("frames a second", "fps", 2, falls),
    row("viewers", "viewers", 0, () => true),
    row("CPU, % of a core", "cpuPercent", 0, () => true),
    row("/metrics answered, ms", "answeredMs", 1, () => true),
  ];
}

const out = mkdtempSync(path.join(os.tmpdir(), "carrier-soak-"));
const station = await startStation({ binary, out, source: "scene", model: values.model });
const booth = { isBusy: false };
const end = performance.now() + minutes * 60000;
const isOver = () => performance.now() >= end;
try {
  const steady = crowd(station, viewers - Math.round(viewers / 5), minutes * 60, 10000);
  const malice = startMalice(station, isOver);
  const [taken, steadySeen, churned, outcomes, sent] = await Promise.all([
    samples(station, booth, isOver),
    steady,
    churn(station, isOver),
    uploads(station, booth, isOver),
    malice,
  ]);
  if (values.samples) writeFileSync(values.samples, JSON.stringify(taken));
  const rows = compare(taken);
  const shown = rows.map(({ name, first, last, decimals, flat }) => [
    name,
    number(first, decimals),
    number(last, decimals),
    flat ? "yes" : "NO",
  ]);
  console.log(table(["", "early", "late", "flat"], shown));
  const whole = churned.filter(Boolean);
  const sum = (key) => [steadySeen, ...whole].filter(Boolean).reduce((all, one) => all + one[key], 0);
  console.log(`\n${minutes} minutes, ${viewers} viewers; crowds that came and went: ${whole.length} of ${churned.length} whole`);
  console.log(`packets lost ${sum("lost")} of ${sum("packets") + sum("lost")}`);
  console.log(`uploads: ${[...outcomes].map(([what, count]) => `${what} ${count}`).join(", ")}`);
  console.log(`malicious: ${[...sent].map(([what, count]) => `${what} ${count}`).join(", ")}`);
  process.exitCode = rows.every(({ flat }) => flat) && steadySeen ? 0 : 1;
} finally {
  await station.end();
  rmSync(out, { recursive: true, force: true });
}
