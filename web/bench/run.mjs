// What the benchmark scripts share: the programs they run, progress on stderr, results in a document.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { replaceGenerated } from "./table.mjs";

// The paths in these environment variables; ends the script when one is missing.
export function programs(...names) {
  const paths = names.map((name) => process.env[name]);
  if (paths.every(Boolean)) return paths;
  console.error(`${names.join(", ")} must name the programs; scripts/bench.sh and scripts/bench-network.sh set them.`);
  return process.exit(2);
}

const began = performance.now();

export function progress(text) {
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stderr.write(`[${String(seconds).padStart(4)} s] ${text}\n`);
}

// The result of `work`, or null when it fails: then the other measurements go on.
export async function attempt(what, work, failures) {
  progress(what);
  try {
    return await work();
  } catch (error) {
    failures.push(`${what}: ${error.message.split("\n")[0]}`);
    progress(`could not be measured: ${error.message}`);
    return null;
  }
}

// Prints a result, writes it between the markers `name` of a document if one is given, and ends the script.
export function publish(text, document, failures, name) {
  process.stdout.write(text);
  if (document) {
    const old = existsSync(document) ? readFileSync(document, "utf8") : "# Benchmarks\n";
    writeFileSync(document, replaceGenerated(old, text, name));
    progress(`written to ${document}`);
  }
  process.exit(failures.length > 0 ? 1 : 0);
}
