// What many viewers cost at the full bitrate.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... node web/bench/scale.mjs VIEWERS...
//     [--threads N] [--seconds N] [--join MS] [--whole]
//
// One station for each number of viewers, each with a clip that needs 1.5 Mbit/s and without detection.
// --whole: the viewers take runs of datagrams uncut (UDP_GRO).
// Prints a table. It reports and does not judge. The viewers run on the same machine: on two cores
// more than some four hundred take time that the station would have had.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeBusyClip } from "./busy_clip.mjs";
import { total } from "./exposition.mjs";
import { startStation, underLoad } from "./station.mjs";
import { table } from "./table.mjs";

const lightViewers = process.env.LIGHT_VIEWERS;
const binary = process.env.CARRIER_BIN;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    // From one viewer's joining to the next one's.
    join: { type: "string", default: "10" },
    whole: { type: "boolean", default: false },
  },
});
const counts = positionals.map(Number);
if (!binary || !lightViewers || !counts.length || counts.some((count) => !(count > 0))) {
  console.error("CARRIER_BIN and LIGHT_VIEWERS name the programs; the arguments are numbers of viewers.");
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
    // The encoder's memory is no viewer's.
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
  const cpuMs = engine.reduce((sum, { ms }) => sum + ms, 0);
  const minutes = (viewers * spanMs) / 60000;
  const bits = total(samples, "carrier_send_bytes_total") * 8;
  return [
    String(viewers),
    (bits / viewers / spanMs / 1000).toFixed(2),
    (cpuMs / 1000 / minutes).toFixed(4),
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
