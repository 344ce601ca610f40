// The results of a measurement, in a file with a line for each run, so that it can go on after a break.

import { createHash } from "node:crypto";
import { appendFileSync, createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { keyOf, parsedResults } from "./network_plan.mjs";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));

// For results and made clips.
export function networkFolder() {
  const folder = path.join(TARGET, "bench-network");
  mkdirSync(folder, { recursive: true });
  return folder;
}

// Results of other programs or another plan are in other files.
async function identity(programs, plan) {
  const hash = createHash("sha256");
  for (const program of programs) {
    for await (const chunk of createReadStream(program)) hash.update(chunk);
  }
  for (const run of plan) hash.update(keyOf(run));
  return hash.digest("hex").slice(0, 12);
}

// `isFresh`: without what was measured before a break.
export async function openResults(programs, plan, { isFresh }) {
  const folder = networkFolder();
  const id = await identity(programs, plan);
  const file = path.join(folder, `${id}.jsonl`);
  if (isFresh) rmSync(file, { force: true });
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const results = parsedResults(text);
  // Ends a line that a kill has cut off.
  if (text && !text.endsWith("\n")) appendFileSync(file, "\n");
  return {
    results,
    file,
    add(result) {
      appendFileSync(file, `${JSON.stringify(result)}\n`);
      results.push(result);
    },
    // The next measurement starts anew. Gives where the results are kept.
    finish() {
      const kept = path.join(folder, `${id}-finished.jsonl`);
      renameSync(file, kept);
      return kept;
    },
  };
}
