// What many viewers cost at the full bitrate.
//
//   CARRIER_BIN=... LIGHT_VIEWERS=... node web/bench/scale.mjs VIEWERS...
//     [--threads N] [--seconds N] [--join MS] [--whole]
//
// One station for each number of viewers, each with a clip that needs 1.5 Mbit/s and without detection.
// --whole: the viewers receive runs of datagrams as one (UDP_GRO).
// Prints a table. The viewers run on the same machine: on two cores, more than some 400 take CPU time from the station.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { total } from "./exposition.mjs";
import { programs } from "./run.mjs";
import { startStation, underLoad } from "./station.mjs";
import { sum, table } from "./table.mjs";

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

const WIDTH = 1280;
const HEIGHT = 720;
const FPS = 30;
const FRAMES = 60;
const NOISE = 8; // of luma, to either side: the most with which the encoder keeps its frame rate

// Writes a clip in y4m that needs all of the bitrate it may have. (The test scene needs 0.6 of 1.5 Mbit/s, because most
// of it does not move.)
function writeBusyClip(path) {
  const file = openSync(path, "w");
  try {
    writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`);
    const next = random(1);
    for (let frame = 0; frame < FRAMES; frame += 1) {
      writeSync(file, "FRAME\n");
      writeSync(file, picture(frame, next));
    }
  } finally {
    closeSync(file);
  }
}

// Sliding waves, whose last frame continues in the first, under noise that is new in each frame.
function picture(frame, next) {
  const pixels = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128);
  const slide = (frame / FRAMES) * 256;
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const noise = (next() % (2 * NOISE + 1)) - NOISE;
      const wave = Math.abs(((x + y + slide) % 256) - 128);
      pixels[y * WIDTH + x] = 60 + wave + noise;
    }
  }
  return pixels;
}

// Marsaglia's xorshift, so that the clip is the same on every machine.
function random(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
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
