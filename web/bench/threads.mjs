// CPU time of a process's threads, by name, as the kernel counted it: unlike the histograms it does
// not grow while a thread waits for a core.

import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";

// Map from thread name to {ms, waitMs}: time on a core, and time ready but without one.
export function threadTimes(pid) {
  const times = new Map();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const base = `/proc/${pid}/task/${thread}`;
      const name = readFileSync(`${base}/comm`, "utf8").trim().replace(/[-_]?\d+$/, "");
      // Nanoseconds on a core, nanoseconds in the queue for one, time slices.
      const [ran, waited] = readFileSync(`${base}/schedstat`, "utf8").split(" ").map(Number);
      const before = times.get(name) ?? { ms: 0, waitMs: 0 };
      times.set(name, { ms: before.ms + ran / 1e6, waitMs: before.waitMs + waited / 1e6 });
    } catch {
      // The thread ended between listing and reading.
    }
  }
  return times;
}

export function threadsBetween(before, after) {
  const spent = [...after].map(([name, time]) => {
    const old = before.get(name) ?? { ms: 0, waitMs: 0 };
    return { name, ms: time.ms - old.ms, waitMs: time.waitMs - old.waitMs };
  });
  return spent.filter((thread) => thread.ms > 0).sort((a, b) => b.ms - a.ms);
}

// CPU time of everything on this machine.
export function machineMs() {
  const busy = ({ times }) => times.user + times.nice + times.sys + times.irq;
  return os.cpus().reduce((sum, core) => sum + busy(core), 0);
}

// CPU time of a process.
export function processMs(pid) {
  return [...threadTimes(pid).values()].reduce((sum, { ms }) => sum + ms, 0);
}

// Resident memory in MB.
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  return { rssMb: (kib * 1024) / 1e6 };
}
