// A network camera that plays a short recording forwards and backwards for ever, so that nothing jumps.

import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { freeTcpPort } from "../tests/browser/harness/ports.mjs";

const BOUNDARY = "picture";
const MOST_CLIP_BYTES = 1 << 30;

// Gives {url, close}; `jpegs` are the pictures of the recording.
export async function startMjpegCamera(jpegs, fps) {
  const viewers = new Set();
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": `multipart/x-mixed-replace; boundary=${BOUNDARY}` });
    viewers.add(response);
    response.on("close", () => viewers.delete(response));
  });
  const port = await freeTcpPort();
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  const round = [...jpegs, ...jpegs.slice(1, -1).reverse()];
  let [began, shown] = [performance.now(), 0];
  let timer = null;
  const show = () => {
    const jpeg = round[shown % round.length];
    const head = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
    for (const viewer of viewers) {
      // A slow reader misses pictures.
      if (viewer.writableLength < jpeg.length) viewer.write(Buffer.concat([Buffer.from(head), jpeg, Buffer.from("\r\n")]));
    }
    shown += 1;
    const dueMs = began + (shown * 1000) / fps - performance.now();
    timer = setTimeout(show, Math.max(0, dueMs));
  };
  show();
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      clearTimeout(timer);
      for (const viewer of viewers) viewer.destroy();
      return new Promise((closed) => server.close(closed));
    },
  };
}

// The pictures of a clip as JPEGs of this size, by ffmpeg, 4:2:2 as webcams send them. `clipFps`: of a clip that does not
// tell its own.
export function jpegsOfClip(clip, { width, height, fps, seconds, clipFps }) {
  const filter = `fps=${fps},scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height}`;
  const rate = clipFps ? ["-framerate", clipFps] : [];
  const args = ["-v", "error", ...rate, "-t", seconds, "-i", clip, "-vf", filter, "-c:v", "mjpeg", "-q:v", "4"];
  const stream = execFileSync("ffmpeg", [...args, "-pix_fmt", "yuvj422p", "-f", "mjpeg", "-"].map(String), { maxBuffer: MOST_CLIP_BYTES });
  return jpegsIn(stream);
}

// The pictures of a station's /stream.mjpg within `seconds`.
export async function recordedJpegs(url, seconds) {
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal });
  const chunks = [];
  const until = performance.now() + seconds * 1000;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    if (performance.now() >= until) break;
  }
  stop.abort();
  return jpegsIn(Buffer.concat(chunks));
}

// Whole JPEGs in a stream: from each start marker to the last end marker before the next one.
function jpegsIn(stream) {
  const jpegs = [];
  const start = Buffer.from([0xff, 0xd8, 0xff]);
  const end = Buffer.from([0xff, 0xd9]);
  let at = stream.indexOf(start);
  while (at >= 0) {
    const next = stream.indexOf(start, at + 3);
    const last = stream.lastIndexOf(end, next < 0 ? stream.length : next);
    if (last > at) jpegs.push(stream.subarray(at, last + 2));
    at = next;
  }
  return jpegs;
}
