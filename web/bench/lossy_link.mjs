// The relay (signaling/examples/lossy_link) and its orders.

import { spawn } from "node:child_process";
import readline from "node:readline";

// Gives {address, port, order(line), end()}; each order gives what the relay answered.
export async function startLossyLink({ binary, mediaPort, seed = 1 }) {
  const args = [`127.0.0.1:${mediaPort}`, "127.0.0.1:0", String(seed)];
  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: child.stdout });
  const answers = lines[Symbol.asyncIterator]();
  const ended = new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", done);
  });
  ended.catch(() => {});
  const next = async () => {
    const line = await Promise.race([answers.next(), ended]);
    if (!line?.value) throw new Error("the lossy link ended");
    const answer = JSON.parse(line.value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
  const { port } = await next();
  return {
    address: "127.0.0.1",
    port,
    // One at a time.
    order: (line) => {
      child.stdin.write(`${line}\n`);
      return next();
    },
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
}
