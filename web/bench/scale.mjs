// What many viewers cost at the full bitrate.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... node web/bench/scale.mjs VIEWERS...
//     [--threads N] [--seconds N] [--join MS] [--whole]
//
// One station for each number of viewers, each with a clip that needs 1.5 Mbit/s and without detection.
// --whole: the viewers receive runs of datagrams as one (UDP_GRO).
// Prints a table. Whole station: with source and encoder, which cost the same whatever the number of viewers. The viewers
// run on the same machine: on two cores, more than some 400 take CPU time from the station.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeBusyClip } from "./busy_clip.mjs";
import { total } from "./exposition.mjs";
import { programs } from "./run.mjs";
import { startStation, underLoad } from "./station.mjs";
import { holds, sum, table } from "./table.mjs";

// Of the engine's threads, at 1.5 Mbit/s with 400 viewers. With fewer viewers each one's share of what all cost together is
// larger.
const GOAL_CPU_S_PER_VIEWER_MINUTE = 0.025;

const [binary, lightViewers] = programs("CARRIER_BIN", "LIGHT_VIEWERS");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    // Milliseconds between two joins.
    join: { type: "string", default: "10" },
    whole: { type: "boolean", default: false },
  },
});
const counts = positionals.map(Number);
if (!counts.length || counts.some((count) => !(count > 0))) {
  console.error("The arguments are numbers of viewers.");
  process.exit(2);
}

async function measured(out, source, count) {
  const config = path.join(out, "carrier.toml");
  writeFileSync(config, `[network]\nengine_threads = ${Number(values.threads)}\n`);
  const station = await startStation({
    binary,
    out,
    source,
    model: "none",
    more: ["--loop", "--config", config],
  });
  try {
    // Memory with one viewer, which includes the encoder's.
    const one = (await underLoad(station, { lightViewers, count: 1, seconds: 1 })).rssMb;
    const joinMs = Math.max(1000, count * Number(values.join));
    const load = await underLoad(station, {
      lightViewers,
      count,
      seconds: Number(values.seconds),
      joinMs,
      whole: values.whole,
    });
    return row(load, one);
  } finally {
    await station.end();
  }
}

function row({ viewers, seen, samples, threads, spanMs, rssMb, elsewherePercent }, oneMb) {
  const engine = threads.filter(({ name }) => name === "media-engine");
  const cpuMs = sum(engine.map(({ ms }) => ms));
  const viewerMinutes = (viewers * spanMs) / 60000;
  const engineCost = cpuMs / 1000 / viewerMinutes;
  const bits = total(samples, "carrier_send_bytes_total") * 8;
  return [
    String(viewers),
    (bits / viewers / spanMs / 1000).toFixed(2),
    engineCost.toFixed(4),
    holds(engineCost, GOAL_CPU_S_PER_VIEWER_MINUTE),
    (total(samples, "process_cpu_seconds_total") / viewerMinutes).toFixed(4),
    `${((cpuMs / spanMs) * 100).toFixed(0)} %`,
    `${(((rssMb - oneMb) * 1000) / viewers).toFixed(0)}`,
    `${seen.lost} of ${seen.packets + seen.lost}`,
    `${seen.connect_p50_ms} / ${seen.connect_p95_ms}`,
    `${elsewherePercent.toFixed(0)} %`,
  ];
}

const out = mkdtempSync(path.join(os.tmpdir(), "carrier-scale-"));
try {
  const clip = path.join(out, "busy.y4m");
  writeBusyClip(clip);
  const rows = [];
  for (const count of counts) rows.push(await measured(out, `y4m:${clip}`, count));
  console.log(
    table(
      [
        "viewers",
        "Mbit/s each",
        "engine CPU-s / viewer-minute",
        `at most ${GOAL_CPU_S_PER_VIEWER_MINUTE}`,
        "whole station CPU-s / viewer-minute",
        "engine threads, of a core",
        "kB a viewer",
        "packets lost",
        "connect p50 / p95 ms",
        "CPU elsewhere",
      ],
      rows,
    ),
  );
} finally {
  rmSync(out, { recursive: true, force: true });
}
