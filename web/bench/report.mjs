// The report of `make bench` as Markdown: tables, and which limits hold. Pure.

import { timing, total } from "./exposition.mjs";
import { holds, number, slope, sum, table } from "./table.mjs";

const LIMITS = {
  frameMs: 4.5,
  detectionMs: 1,
  cpuPercent: 60,
  memoryMb: 200,
  latencyP50Ms: 30,
  latencyP95Ms: 45,
  joinMs: 150,
  rushMs: { 100: 300, 200: 1000 },
  rushKeyframes: 2,
  viewerPercent: 0.1,
};

// With more than this of a core used by other processes, the measurement is not trustworthy.
const DISTURBED_PERCENT = 25;

const OURS = [
  ["copy for painting", "carrier_compose_copy_seconds"],
  ["paint", "carrier_compose_paint_seconds"],
  ["encode", "carrier_encode_seconds"],
  ["packetise", "carrier_packetise_seconds"],
  ["number, encrypt, send", "carrier_fanout_seconds"],
];
const DETECTION = [
  ["detector input", "carrier_detector_preprocess_seconds"],
  ["decode and suppress", "carrier_detector_postprocess_seconds"],
  ["track", "carrier_detector_track_seconds"],
];
const APART = [
  ["session.run (bare)", "carrier_detector_inference_seconds"],
  ["draw the scene (source)", "carrier_capture_convert_seconds"],
];

// Milliseconds of each stage in one frame; null where it did not run.
function perFrame(run, stages) {
  const frames = total(run.samples, "carrier_compose_frames_total");
  return stages.map(([, metric]) => {
    const time = timing(run.samples, metric);
    return time && (time.meanMs * time.count) / frames;
  });
}

// Threads of the source and of the detector's network.
const APART_THREADS = /^(source-|detect$)/;

// What one frame costs apart from inference and source: by the stages' own clocks, and by the kernel's CPU time of all
// other threads plus the preparation of the detector's input.
export function frameCost(run) {
  const frames = total(run.samples, "carrier_compose_frames_total");
  const [inputMs] = perFrame(run, DETECTION);
  const threads = run.threads.filter((thread) => !APART_THREADS.test(thread.name));
  return {
    fps: (frames / run.spanMs) * 1000,
    byStagesMs: sum(perFrame(run, OURS)) + (inputMs ?? 0),
    byKernelMs: sum(threads.map((thread) => thread.ms)) / frames + (inputMs ?? 0),
  };
}

// The cost of a detection without the inference itself.
export function detectionCost(run) {
  const means = DETECTION.map(([, metric]) => timing(run.samples, metric)?.meanMs ?? null);
  return means.every((mean) => mean === null) ? null : sum(means);
}

// What a viewer adds to the engine thread, in % of a core. The whole process would tell less, because inference takes
// whatever the viewers' process leaves of cores and caches.
export function viewerSlope(loads) {
  return slope(loads.map((load) => [load.viewers, enginePercent(load)]));
}

function enginePercent({ threads, spanMs }) {
  const engine = threads?.filter(({ name }) => name === "media-engine");
  return engine && (sum(engine.map(({ ms }) => ms)) / spanMs) * 100;
}

function limitRows({ detecting, plain, loads, rushes, latency }) {
  const rows = [];
  const row = (what, limit, unit, value, decimals = 1) => {
    const shown = `${number(value, decimals)} ${unit}`.trim();
    rows.push([what, `${limit} ${unit}`.trim(), shown, holds(value, limit)]);
  };
  costRows(row, detecting, plain);
  for (const [name, seen] of latencies(latency)) {
    row(`produced to presented, p50, ${name}`, LIMITS.latencyP50Ms, "ms", seen?.p50);
    row(`produced to presented, p95, ${name}`, LIMITS.latencyP95Ms, "ms", seen?.p95);
  }
  const joins = latency.detecting ?? latency.plain;
  row("POST to first picture in Chromium, p50", LIMITS.joinMs, "ms", joins?.join_ms);
  row("POST to first picture in Chromium, p95", LIMITS.joinMs, "ms", joins?.join_p95_ms);
  const added = loads?.length > 1 ? viewerSlope(loads) : null;
  row("added viewer, CPU of a core (engine thread)", LIMITS.viewerPercent, "%", added, 2);
  for (const [count, limit] of Object.entries(LIMITS.rushMs)) {
    const rush = rushes.find(({ viewers }) => viewers === Number(count));
    row(`${count} joins in a second: keyframes`, LIMITS.rushKeyframes, "", rush?.keyframes, 0);
    const rushMs = rush?.seen.picture_p95_ms;
    row(`${count} joins in a second: first picture, p95`, limit, "ms", rushMs);
  }
  return rows;
}

function costRows(row, detecting, plain) {
  const one = detecting ?? plain;
  const cost = one && frameCost(one);
  const frame = `frame apart from inference and source${detecting ? ", detecting" : ""}`;
  row(`${frame}: CPU by the kernel`, LIMITS.frameMs, "ms", cost?.byKernelMs, 2);
  row(`${frame}: stage clocks`, LIMITS.frameMs, "ms", cost?.byStagesMs, 2);
  const beyond = detecting && detectionCost(detecting);
  row("detection beyond session.run", LIMITS.detectionMs, "ms", beyond, 2);
  row("CPU of a core, one viewer, detecting", LIMITS.cpuPercent, "%", detecting?.cpuPercent);
  row("memory, one viewer, detecting", LIMITS.memoryMb, "MB", detecting?.rssMb, 0);
}

function latencies({ detecting, plain }) {
  return [
    ["with detection", detecting],
    ["plain", plain],
  ];
}

function stageTable({ detecting, plain }) {
  const runs = [detecting, plain].filter(Boolean);
  const names = [detecting && "detecting", plain && "plain"].filter(Boolean);
  const head = ["stage", ...names.flatMap((name) => [`${name}: mean ms`, "p50", "p95"])];
  const rows = [...OURS, ...DETECTION, ...APART].map(([name, metric]) => {
    const times = runs.map((run) => timing(run.samples, metric));
    const cells = times.flatMap((time) => [time?.meanMs, time?.p50Ms, time?.p95Ms]);
    return [name, ...cells.map((ms) => number(ms, 2))];
  });
  return table(head, rows);
}

function threadTable(run) {
  const frames = total(run.samples, "carrier_compose_frames_total");
  const rows = run.threads.map((thread) => [
    thread.name,
    number(thread.ms / frames, 2),
    number((thread.ms / run.spanMs) * 100, 1),
    number(thread.waitMs / frames, 2),
  ]);
  return table(["thread", "CPU ms a frame", "% of a core", "waited for a core, ms a frame"], rows);
}

function viewerTable(loads, rushes) {
  const row = (name, load) => [
    name,
    number(load.cpuPercent),
    number(enginePercent(load)),
    number(load.rssMb, 0),
    ...seenBy(load.seen),
  ];
  const seenBy = (seen) => [
    seen.packets,
    seen.lost,
    `${seen.pictures}/${seen.viewers}`,
    `${number(seen.connect_p50_ms, 0)} / ${number(seen.connect_p95_ms, 0)}`,
    `${number(seen.picture_p50_ms, 0)} / ${number(seen.picture_p95_ms, 0)}`,
  ];
  const rows = loads.map((load) => row(load.viewers, load));
  for (const rush of rushes) rows.push(row(`${rush.viewers} at once`, rush));
  return table(
    [
      "viewers",
      "CPU %",
      "engine thread %",
      "MB",
      "packets",
      "lost",
      "with picture",
      "connected ms p50 / p95",
      "first picture ms p50 / p95",
    ],
    rows,
  );
}

function latencyTable(latency) {
  const rows = latencies(latency)
    .filter(([, seen]) => seen)
    .map(([name, seen]) => [
      name,
      number(seen.p50),
      number(seen.p95),
      `${number(seen.sent_p50)} / ${number(seen.sent_p95)}`,
      `${number(seen.seen_p50)} / ${number(seen.seen_p95)}`,
      `${number(Math.min(...seen.pages_p50), 0)} - ${number(Math.max(...seen.pages_p50), 0)}`,
      number(seen.fps),
      seen.n,
      `${number(seen.join_ms, 0)} / ${number(seen.join_p95_ms, 0)} (${seen.joins_ms.length})`,
      number(seen.buffer_ms),
      number(seen.decode_ms),
    ]);
  return table(
    [
      "",
      "p50 ms",
      "p95 ms",
      "to compositor p50 / p95",
      "to page p50 / p95",
      "p50 by page",
      "fps",
      "pictures",
      "join p50 / p95 (n)",
      "jitter buffer ms",
      "decode ms",
    ],
    rows,
  );
}

function words(rows) {
  const having = (outcome) => rows.filter((row) => row[3] === outcome);
  const [missed, unknown] = [having("no"), having("not measured")];
  const lines = [`${having("yes").length} of ${rows.length} numbers hold.`];
  const list = (title, found, line) => {
    if (found.length > 0) lines.push("", title, "", ...found.map(line));
  };
  list("Missed:", missed, ([what, limit, shown]) => `- ${what}: ${shown} (limit ${limit})`);
  list("Not measured:", unknown, ([what]) => `- ${what}`);
  return lines.join("\n");
}

function where({ machine, model, date }) {
  return (
    `Measured ${date} on ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGib} GiB, ` +
    `${machine.system}, ${machine.kernel}; ${machine.chromium ?? "no Chromium"}, ` +
    `${machine.rust ?? "rustc unknown"}; model ${model ?? "none"}; ` +
    `load average ${number(machine.load, 2)} before the start.`
  );
}

export function report(measured) {
  const rows = limitRows(measured);
  const one = measured.detecting ?? measured.plain;
  const parts = [
    where(measured),
    ...measured.notes,
    "### Numbers to hold",
    table(["what", "limit", "measured", "holds"], rows),
    words(rows),
  ];
  if (one) {
    parts.push("### Stages, one viewer", stageTable(measured));
    const others = one.elsewherePercent;
    parts.push(
      `${number(frameCost(one).fps)} frames a second were composed. Meanwhile everything else on ` +
        `this machine took ${number(others, 0)} % of a core` +
        `${others > DISTURBED_PERCENT ? ": too much for these numbers to be trusted" : ""}.`,
    );
    parts.push("### Threads, one viewer", threadTable(one));
  }
  if (measured.loads?.length > 0) {
    parts.push("### Viewers", viewerTable(measured.loads, measured.rushes));
  }
  if (measured.latency.detecting || measured.latency.plain) {
    parts.push("### Produced to presented, headless Chromium", latencyTable(measured.latency));
  }
  return `${parts.join("\n\n")}\n`;
}
