// The machine in words that mean something elsewhere: no names, no addresses, no paths.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

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

// Virtual machines often hide the model's number.
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
