// What is taken at a viewfinder: one picture, a strip of four, or two seconds that run forwards and backwards.
// Several shots become one picture, a sheet with the shots side by side, row by row.

import { sleep } from "../app/backoff.js";

// As the station's grids.
const SHEETS = {
  strip: { columns: 2, rows: 2, cellPx: 768 },
  boomerang: { columns: 3, rows: 4, cellPx: 512 },
};
const BOOMERANG_EVERY_MS = 170;
const QUALITY = 0.92;
const TYPE = "image/jpeg";

export const KINDS = ["single", ...Object.keys(SHEETS)];

// The media type of a photo says what is on it, so that it survives a reload with the photo.
export function typeOf(kind) {
  return kind in SHEETS ? `${TYPE};photo=${kind}` : TYPE;
}

export function kindOf(photo) {
  const [, kind] = photo?.type.match(/;photo=(\w+)$/) ?? [];
  return kind in SHEETS ? kind : "single";
}

// A photo of the station, as the same kind.
export function asKind(photo, kind) {
  return kind in SHEETS ? new Blob([photo], { type: typeOf(kind) }) : photo;
}

// The styles that a photo can be made in: a server makes one picture of one picture.
export function stylesFor(kind, styles) {
  return kind in SHEETS ? styles.filter(({ made_by }) => made_by === "laptop") : styles;
}

// The part of a picture that is on a sheet, in its middle: at most 4:3, at least square.
export function shotPart(width, height) {
  const part = { width: Math.min(width, (height * 4) / 3), height: Math.min(height, width) };
  return { ...part, x: (width - part.width) / 2, y: (height - part.height) / 2 };
}

// The size of a shot on the sheet. Whole blocks of JPEG, so that no shot bleeds into the next.
export function cellSize(kind, { width, height }) {
  const scale = Math.min(SHEETS[kind].cellPx / Math.max(width, height), 1);
  const side = (length) => Math.max(Math.round((length * scale) / 16) * 16, 64);
  return { width: side(width), height: side(height) };
}

export function place(kind, index, { width, height }) {
  const { columns } = SHEETS[kind];
  return { x: (index % columns) * width, y: Math.floor(index / columns) * height };
}

export function shotsOf(kind) {
  return kind in SHEETS ? SHEETS[kind].columns * SHEETS[kind].rows : 1;
}

// `surface()` is what the viewfinder shows: a video or a canvas; null: nothing any more. `count()` counts down, and
// gives false when it was ended. `shot(index)` is called before each countdown, `taken()` after each shot.
export async function takeSheet(kind, { surface, count, shot, taken, signal }) {
  const sheet = makeSheet(kind);
  const startsAt = kind === "boomerang" ? await counted() : 0;
  for (let index = 0; index < shotsOf(kind); index += 1) {
    if (kind === "strip") {
      shot(index);
      await counted();
    } else {
      await sleep(Math.max(startsAt + index * BOOMERANG_EVERY_MS - performance.now(), 0));
    }
    const source = signal.aborted ? null : surface();
    if (!source) return null;
    sheet.add(index, source);
    if (kind === "strip") taken();
  }
  return sheet.finish();

  async function counted() {
    await count();
    return performance.now();
  }
}

function makeSheet(kind) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  let cell = null;
  return {
    add(index, source) {
      const part = shotPart(source.videoWidth ?? source.width, source.videoHeight ?? source.height);
      if (!cell) {
        cell = cellSize(kind, part);
        const { columns, rows } = SHEETS[kind];
        Object.assign(canvas, { width: cell.width * columns, height: cell.height * rows });
        context.imageSmoothingQuality = "high";
      }
      const { x, y } = place(kind, index, cell);
      context.drawImage(source, part.x, part.y, part.width, part.height, x, y, cell.width, cell.height);
    },
    async finish() {
      const blob = await new Promise((done) => canvas.toBlob(done, TYPE, QUALITY));
      return blob && asKind(blob, kind);
    },
  };
}
