// One run: the viewers of one condition, with a new station and a new link, so that nothing is left of the run before.

import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { startLossyLink, startProxy } from "./link.mjs";
import { LIGHT } from "./network_conditions.mjs";
import { openPage, startWatching } from "./network_viewers.mjs";
import { startStation } from "./station.mjs";

const SAMPLE_MS = 200; // of the link's queues
const START_AND_END_MS = 90000; // of station, link and viewers, at most
const END_MS = 15000; // of one of them

// `run` as in the plan. Gives the result that is stored; rejects when `signal` is aborted.
export async function measure(run, { browser, programs, out, signal }) {
  const ends = [];
  const end = (what) => ends.unshift(what) && what;
  const limitMs = run.condition.watchSeconds * 1000 + START_AND_END_MS;
  try {
    return await within(limitMs, watched(run, { browser, programs, out, signal, end }));
  } finally {
    // What hangs must not keep the other runs waiting.
    for (const what of ends) await within(END_MS, what.end()).catch(() => what.kill?.());
  }
}

// Rejects when `work` takes longer.
async function within(ms, work) {
  const limit = new AbortController();
  const late = sleep(ms, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`not within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    limit.abort();
  }
}

async function watched({ source, condition, number }, { browser, programs, out, signal, end }) {
  const [binary, lightViewers, lossyLink] = programs;
  const station = end(await startStation({ binary, out, source: source.source, model: "none", more: source.more }));
  const { isShared } = condition;
  const link = end(await startLossyLink({ binary: lossyLink, mediaPort: station.mediaPort, seed: number, isShared }));
  for (const order of condition.orders) await link.order(order);
  const proxy = end(await startProxy(station.url, link));
  const open = (viewer) => (viewer === LIGHT ? startWatching(lightViewers, proxy.url) : openPage(browser, proxy.url));
  const viewers = [];
  for (const viewer of condition.viewers) viewers.push(end({ name: viewer, ...(await open(viewer)) }));
  const queues = end(sampleQueues(link));
  const { span, counters } = await takeSteps(condition, link, signal);
  await queues.end();
  const seen = [];
  for (const viewer of viewers) {
    const { ports, ...rest } = await viewer.ended();
    seen.push({ name: viewer.name, ...rest, queue: queues.waiting.map(([at, paths]) => [at, longest(paths, ports)]) });
  }
  return {
    source: source.name,
    condition: condition.name,
    number,
    measuredAt: new Date().toISOString(),
    load: os.loadavg()[0],
    span,
    link: counters,
    viewers: seen,
  };
}

// Gives {span: Unix times in ms, counters: of the link until `span.to`}.
async function takeSteps({ steps, judgedSeconds, watchSeconds, limitEnds }, link, signal) {
  const span = { to: null, liftedAt: null, end: null };
  let counters = null;
  const judged = async () => {
    span.to = Date.now();
    counters = await link.order("read");
  };
  const change = async ([at, order]) => {
    await link.order(order);
    if (at === limitEnds) span.liftedAt = Date.now();
  };
  // A step at the same second comes after it.
  const all = [[judgedSeconds, judged], ...steps.map((step) => [step[0], () => change(step)])];
  const began = performance.now();
  const until = (seconds) => sleep(Math.max(0, began + seconds * 1000 - performance.now()), undefined, { signal });
  for (const [at, take] of all.sort(([one], [other]) => one - other)) {
    await until(at);
    await take();
  }
  await until(watchSeconds);
  span.end = Date.now();
  return { span, counters };
}

// How long a datagram would have waited on each path to a viewer, until it is ended: `waiting`, [[Unix ms, [{port,
// waiting_ms}]]].
function sampleQueues(link) {
  const waiting = [];
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      const { paths } = await link.order("read");
      waiting.push([Date.now(), paths]);
      await sleep(SAMPLE_MS);
    }
  })();
  // It is awaited in the end; until then a failure must not end the script.
  sampling.catch(() => {});
  return {
    waiting,
    end: () => {
      isOver = true;
      return sampling;
    },
  };
}

// Over the ports of one viewer; null without a path, or in an outage.
function longest(paths, ports) {
  const waits = paths.filter(({ port }) => ports.includes(port)).map((one) => one.waiting_ms);
  const known = waits.filter((ms) => ms !== null);
  return known.length > 0 ? Math.max(...known) : null;
}
