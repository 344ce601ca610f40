// Takes a photo and makes it small enough for bad Wi-Fi.

import { sleep } from "../app/backoff.js";

export const LONGEST_PX = 2048;
export const LARGEST_BYTES = 4e6; // a larger file is encoded again even if it is small in pixels
const QUALITY = 0.9;
const ACCEPTED = ["image/jpeg", "image/png", "image/webp"];

export function within({ width, height }, longest = LONGEST_PX) {
  const scale = Math.min(longest / Math.max(width, height), 1);
  const at = (length) => Math.max(Math.round(length * scale), 1);
  return { width: at(width), height: at(height) };
}

// Whether a file can be sent unchanged.
export function fits({ width, height }, { type, size }) {
  return Math.max(width, height) <= LONGEST_PX && size <= LARGEST_BYTES && ACCEPTED.includes(type);
}

// The photo to send: upright and scaled, or the file itself when it is small or the browser cannot read it (most
// cannot read HEIC; the station's answer then explains that).
export async function prepared(file) {
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    return fits(bitmap, file) ? file : await drawn(bitmap, within(bitmap));
  } catch {
    return file;
  } finally {
    bitmap?.close();
  }
}

// A photo of what a video shows now.
export function grabbed(video) {
  return drawn(video, within({ width: video.videoWidth, height: video.videoHeight }));
}

// A JPEG of a bitmap, video or canvas in that size.
export async function drawn(source, { width, height }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new Error("the canvas gave no picture");
  return blob;
}

const COUNT_FROM = 3;
const COUNT_MS = 1000;

// Calls `show` with 3, 2 and 1, a second apart. Gives false when `signal` ended it.
export async function countDown(show, signal) {
  const aborted = new Promise((done) => signal.addEventListener("abort", done));
  for (let count = COUNT_FROM; count > 0 && !signal.aborted; count -= 1) {
    show(count);
    await Promise.race([sleep(COUNT_MS), aborted]);
  }
  return !signal.aborted;
}
