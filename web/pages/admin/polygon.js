// Masks as values: polygons with corners in 0..1 of the picture. Pure: every function gives a new mask.

export const CORNERS_MIN = 3;
export const CORNERS_MAX = 32;

const DIGITS = 4;

function clamped(value) {
  return Number(Math.min(Math.max(value, 0), 1).toFixed(DIGITS));
}

// A rectangle in the middle of the picture.
export function newMask(name) {
  return { name, points: [[0.35, 0.35], [0.65, 0.35], [0.65, 0.65], [0.35, 0.65]] };
}

// A name that no other mask has: "Mask 2".
export function freeName(masks, word) {
  const taken = new Set(masks.map(({ name }) => name));
  let number = masks.length + 1;
  while (taken.has(`${word} ${number}`)) number += 1;
  return `${word} ${number}`;
}

export function movedTo(mask, index, x, y) {
  return { ...mask, points: mask.points.map((point, at) => (at === index ? [clamped(x), clamped(y)] : point)) };
}

export function movedBy(mask, index, dx, dy) {
  const [x, y] = mask.points[index];
  return movedTo(mask, index, x + dx, y + dy);
}

// The whole mask, as far as its shape stays inside of the picture.
export function shifted(mask, dx, dy) {
  const [xs, ys] = [0, 1].map((axis) => mask.points.map((point) => point[axis]));
  const within = (by, values) => Math.min(Math.max(by, -Math.min(...values)), 1 - Math.max(...values));
  const [x, y] = [within(dx, xs), within(dy, ys)];
  return { ...mask, points: mask.points.map((point) => [clamped(point[0] + x), clamped(point[1] + y)]) };
}

// A new corner in the middle of the edge that begins at a corner; gives {mask, index} of the new one.
export function withCorner(mask, index) {
  const { points } = mask;
  if (points.length >= CORNERS_MAX) return { mask, index };
  const [[x, y], [u, v]] = [points[index], points[(index + 1) % points.length]];
  const corner = [clamped((x + u) / 2), clamped((y + v) / 2)];
  return { mask: { ...mask, points: [...points.slice(0, index + 1), corner, ...points.slice(index + 1)] }, index: index + 1 };
}

// A triangle keeps its corners.
export function withoutCorner(mask, index) {
  const { points } = mask;
  if (points.length <= CORNERS_MIN) return { mask, index };
  return { mask: { ...mask, points: points.filter((_, at) => at !== index) }, index: Math.max(index - 1, 0) };
}

const STEP = 0.01;
const LARGE_STEP = 0.05;

// How far a key moves a corner: [dx, dy], or null for other keys.
export function keyMove(key, isLarge) {
  const by = isLarge ? LARGE_STEP : STEP;
  return { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[key] ?? null;
}

// As the `points` attribute of an SVG polygon in a box of 1000 units.
export function svgPoints({ points }) {
  return points.map(([x, y]) => `${Math.round(x * 1000)},${Math.round(y * 1000)}`).join(" ");
}
