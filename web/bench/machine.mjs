// The machine's description, and what the kernel counts of its processes.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";

// For reports: without host names, addresses and paths.
export function machine(chromiumVersion) {
  const cpus = os.cpus();
  return {
    cpu: clockedName(cpus[0]?.model ?? "unknown CPU"),
    cores: cpus.length,
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release().split("-")[0]}`,
    system: system(),
    chromium: chromiumVersion,
    rust: firstLine("rustc", "--version"),
    load: os.loadavg()[0],
  };
}

// With family and model: virtual machines often hide them in the name.
function clockedName(model) {
  const family = field("/proc/cpuinfo", /^cpu family\s*: (\d+)/m);
  const number = field("/proc/cpuinfo", /^model\s*: (\d+)/m);
  const plain = model.replace(/\s+/g, " ").trim();
  return family && number ? `${plain} (family ${family}, model ${number})` : plain;
}

function system() {
  return field("/etc/os-release", /^PRETTY_NAME="?([^"\n]+)/m) ?? "Linux";
}

function field(path, pattern) {
  try {
    return pattern.exec(readFileSync(path, "utf8"))?.[1] ?? null;
  } catch {
    return null;
  }
}

function firstLine(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: "utf8" }).split("\n")[0].trim();
  } catch {
    return null;
  }
}

// A process's threads by name: a Map to {ms, waitMs}, the time on a core and the time ready but without one. Unlike
// the program's histograms, `ms` does not grow while a thread waits for a core.
export function threadTimes(pid) {
  const times = new Map();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const base = `/proc/${pid}/task/${thread}`;
      const name = readFileSync(`${base}/comm`, "utf8").trim().replace(/[-_]?\d+$/, "");
      // schedstat: nanoseconds on a core, nanoseconds waiting for one, time slices.
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

// Resident memory.
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  return { rssMb: (kib * 1024) / 1e6 };
}
