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

const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1", "miaf"];
const HEAD_BYTES = 64;

// Whether a file that begins with these bytes is HEIC, by its brands (ISO 14496-12, 4.3; ISO 23008-12, annex B): not
// every browser gives such a file a type. AVIF has some of these brands, too, and is another format.
export function isHeic(head) {
  const text = String.fromCharCode(...head);
  const brands = text.slice(8).match(/.{4}/gs) ?? [];
  if (text.slice(4, 8) !== "ftyp" || brands.includes("avif")) return false;
  return HEIC_BRANDS.includes(brands[0]);
}

// The photo is HEIC, which neither this browser nor the station can read.
export class HeicError extends Error {}

// The photo to send: upright and scaled, or the file itself when it is small or the browser cannot read it, though
// the station may. A HEIC photo becomes a JPEG where the browser can read it (Safari), and is a HeicError elsewhere.
export async function prepared(file) {
  const heic = isHeic(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    return !heic && fits(bitmap, file) ? file : await drawn(bitmap, within(bitmap));
  } catch {
    if (!heic) return file;
    return drawnByImage(file);
  } finally {
    bitmap?.close();
  }
}

// Some browsers read HEIC in <img> alone.
async function drawnByImage(file) {
  const image = Object.assign(new Image(), { src: URL.createObjectURL(file) });
  try {
    await image.decode();
    return await drawn(image, within({ width: image.naturalWidth, height: image.naturalHeight }));
  } catch {
    throw new HeicError("this browser cannot read HEIC");
  } finally {
    URL.revokeObjectURL(image.src);
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
