// The real program as a station that can be started, frozen and killed.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import path from "node:path";
import { freeTcpPort, freeUdpPort } from "./ports.mjs";

const READY_MS = 30000;

// source: what is shown. more: further arguments of `carrier run`.
export async function makeCarrier({ binary, out, source = "scene", more = [] }) {
  const port = await freeTcpPort();
  const mediaPort = await freeUdpPort();
  const url = `http://127.0.0.1:${port}/`;
  const home = path.join(out, "home");
  mkdirSync(home, { recursive: true });
  const log = createWriteStream(path.join(out, "carrier.log"));
  const args = ["run", "--source", source, "--listen", `127.0.0.1:${port}`];
  args.push("--media-port", String(mediaPort), ...more);
  let child = null;

  return {
    kind: "carrier",
    url,
    port,
    mediaPort,
    get pid() {
      return child?.pid;
    },
    async start() {
      child = spawn(binary, args, { env: environment(home), stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
      const ended = new Promise((_, failed) => {
        child.once("error", failed);
        child.once("exit", (code, signal) =>
          failed(new Error(`carrier ended (${code ?? signal})`)),
        );
      });
      ended.catch(() => {});
      await Promise.race([ended, answers(`${url}healthz`)]);
    },
    kill: () => end(child, "SIGKILL"),
    // Frozen, it neither sends nor answers, and no connection is reset.
    pause: async (yes) => void child.kill(yes ? "SIGSTOP" : "SIGCONT"),
    end: () => end(child, "SIGTERM"),
  };
}

// Its own folders, so that a test neither reads nor writes the developer's.
function environment(home) {
  const env = { ...process.env };
  env.XDG_STATE_HOME = path.join(home, "state");
  env.XDG_CONFIG_HOME = path.join(home, "config");
  env.CARRIER_DATA = path.join(home, "data");
  if (env.CARRIER_SHARED) env.CARRIER_MODELS ??= path.join(env.CARRIER_SHARED, "models");
  return env;
}

async function answers(address) {
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    const ok = await fetch(address).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`no answer from ${address} within ${READY_MS / 1000} s`);
}

function end(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((done) => {
    child.once("exit", done);
    child.kill(signal);
  });
}
