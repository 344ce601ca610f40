// The mock's picture: coloured areas with the timecode strip (see web/pages/app/timecode.js), 1280x720.
// Runs in the mock's own Chromium page. Tests rely on the strip, the patches and the tracks.

export const WIDTH = 1280;
export const HEIGHT = 720;
// Patches of known colour: centre and colour.
export const PATCHES = [
  { x: 1225, y: 300, rgb: [235, 64, 52] },
  { x: 1225, y: 350, rgb: [52, 168, 83] },
  { x: 1225, y: 400, rgb: [66, 100, 235] },
  { x: 1225, y: 450, rgb: [128, 128, 128] },
];

const LINE = "#7df06b"; // of all boxes

export function tracksAt(ms) {
  const colour = LINE;
  const x = 640 + 300 * Math.sin((ms / 1000) * 0.7);
  return [
    { id: 3, class: "stop sign", class_id: 11, colour, score: 0.94, box: [178, 168, 322, 312] },
    { id: 5, class: "traffic light", class_id: 9, colour, score: 0.88, box: [992, 150, 1068, 330] },
    { id: 8, class: "umbrella", class_id: 25, colour, score: 0.81, box: [x - 92, 380, x + 92, 560] },
  ];
}

const COLOURS = ["#c1272d", "#1d1f22", "#7b3fa0"]; // of the tracks

export function draw(context, ms, withBoxes) {
  const sky = context.createLinearGradient(0, 0, 0, 460);
  sky.addColorStop(0, "#5d9bd3");
  sky.addColorStop(1, "#d9e8f2");
  rectangle(context, sky, 0, 0, WIDTH, 460);
  rectangle(context, "#6f9a4d", 0, 460, WIDTH, 100);
  rectangle(context, "#5a5c60", 0, 560, WIDTH, 160);
  const tracks = tracksAt(ms);
  tracks.forEach(({ box: [x1, y1, x2, y2] }, index) => rectangle(context, COLOURS[index], x1, y1, x2 - x1, y2 - y1));
  for (const { x, y, rgb } of PATCHES) rectangle(context, `rgb(${rgb})`, x - 25, y - 25, 50, 50);
  if (withBoxes) tracks.forEach((track) => box(context, track));
  strip(context, ms);
}

function rectangle(context, colour, ...place) {
  context.fillStyle = colour;
  context.fillRect(...place);
}

function box(context, { id, class: name, score, box: [x1, y1, x2, y2] }) {
  context.lineWidth = 7;
  context.strokeStyle = "#000";
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  context.lineWidth = 4;
  context.strokeStyle = LINE;
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  const text = `${name} ${Math.round(score * 100)} #${id}`;
  context.font = "600 20px sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 16;
  rectangle(context, LINE, x1 - 2, y1 - 30, width, 30);
  context.fillStyle = "#000";
  context.fillText(text, x1 + 6, y1 - 14);
}

export function stripBits(ms) {
  const low = ms % 2 ** 32;
  const bits = [1, 0];
  for (let bit = 31; bit >= 0; bit -= 1) bits.push(Math.floor(low / 2 ** bit) % 2);
  let xor = 0;
  for (let nibble = 0; nibble < 8; nibble += 1) xor ^= Math.floor(low / 16 ** nibble) % 16;
  for (let bit = 3; bit >= 0; bit -= 1) bits.push((xor >> bit) & 1);
  return [...bits, 0, 1];
}

function strip(context, ms) {
  const cell = WIDTH / 80;
  stripBits(ms).forEach((bit, index) => rectangle(context, bit ? "#fff" : "#000", index * cell, 0, cell, cell));
}
