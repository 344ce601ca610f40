// A clip in y4m that needs all of the bitrate it may have. (The test scene needs 0.6 of 1.5 Mbit/s, because most of it does
// not move.)

import { closeSync, openSync, writeSync } from "node:fs";

const WIDTH = 1280;
const HEIGHT = 720;
const FPS = 30;
const FRAMES = 60;
const NOISE = 8; // of luma, to either side: the most with which the encoder keeps its frame rate

export function writeBusyClip(path) {
  const file = openSync(path, "w");
  try {
    writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`);
    const next = random(1);
    for (let frame = 0; frame < FRAMES; frame += 1) {
      writeSync(file, "FRAME\n");
      writeSync(file, picture(frame, next));
    }
  } finally {
    closeSync(file);
  }
}

// Sliding waves, whose last frame continues in the first, under noise that is new in each frame.
function picture(frame, next) {
  const pixels = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128);
  const slide = (frame / FRAMES) * 256;
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const noise = (next() % (2 * NOISE + 1)) - NOISE;
      const wave = Math.abs(((x + y + slide) % 256) - 128);
      pixels[y * WIDTH + x] = 60 + wave + noise;
    }
  }
  return pixels;
}

// Marsaglia's xorshift, so that the clip is the same on every machine.
function random(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
