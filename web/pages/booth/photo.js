// Makes a photo small enough for bad Wi-Fi before it is sent.

import { fits, within } from "./scaled.js";

const QUALITY = 0.9;

// The photo as it is sent: upright and scaled, or the file itself where that does not help or the
// browser cannot read it (HEIC in most); the station then says what it thinks of it.
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

// What the camera shows now.
export function grabbed(video) {
  return drawn(video, within({ width: video.videoWidth, height: video.videoHeight }));
}

async function drawn(source, { width, height }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new Error("the canvas gave no picture");
  return blob;
}
