// What the station shows while networks are measured: the built-in scene, and a clip as from a webcam.

import { execFileSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import path from "node:path";
import { writeBusyClip } from "./busy_clip.mjs";
import { networkFolder } from "./network_results.mjs";

const FULL_BPS = 1_500_000;
const SCENE_BPS = 650_000;
const WEBCAM_CLIP = "webcam_asl_640x480.mp4"; // people in front of a webcam
const CLIP_SECONDS = 40; // no condition lasts longer, so that the clip's end is not in a run

// `name`: in the report; `source`: for --source; `bitrateBps`: what the largest rendition needs.
export const SCENE = { name: "scene", what: "the built-in scene", source: "scene", more: [], bitrateBps: SCENE_BPS };

export function givenSource(source) {
  return { name: source, what: source, source, more: ["--loop"], bitrateBps: FULL_BPS };
}

// Made at the first call, and kept. The clip as a webcam would send it: 720p, with the noise of a small sensor, so that it
// needs the full bitrate.
export function webcamSource() {
  const clip = sharedClip();
  const source = { name: "webcam", more: ["--loop"], bitrateBps: FULL_BPS };
  if (!clip) {
    const file = made("generated.y4m", writeBusyClip);
    const what = `a generated clip (sliding waves under noise), because ${WEBCAM_CLIP} or ffmpeg was not found`;
    return { ...source, what, source: `y4m:${file}` };
  }
  const file = made("webcam.avi", (output) => encodeClip(clip, output));
  return { ...source, what: "a webcam clip (people in front of a webcam, 720p, with sensor noise)", source: `file:${file}` };
}

function sharedClip() {
  const folders = [process.env.CARRIER_SHARED, "../shared"].filter(Boolean);
  const clips = folders.map((folder) => path.join(folder, "media", WEBCAM_CLIP));
  return hasFfmpeg() ? clips.find((clip) => existsSync(clip)) : undefined;
}

function hasFfmpeg() {
  try {
    execFileSync("ffmpeg", ["-version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function encodeClip(clip, output) {
  const filter = "fps=30,scale=1280:720:force_original_aspect_ratio=increase,crop=1280:720,noise=alls=8:allf=t";
  const input = ["-v", "error", "-y", "-t", `${CLIP_SECONDS}`, "-i", clip];
  execFileSync("ffmpeg", [...input, "-vf", filter, "-an", "-c:v", "mjpeg", "-q:v", "4", output], { stdio: "inherit" });
}

// Renamed when it is whole, so that an interrupted attempt leaves nothing that looks like a clip.
function made(name, make) {
  const file = path.join(networkFolder(), name);
  if (existsSync(file)) return file;
  const part = path.join(networkFolder(), `part-${name}`);
  make(part);
  renameSync(part, file);
  return file;
}
