// The mock's picture: a street with the timecode strip (see web/pages/app/timecode.js), 1280x720.
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

export function tracksAt(ms) {
  const t = ms / 1000;
  const x = 640 + 300 * Math.sin(t * 0.7);
  return [
    { id: 3, class: "stop sign", class_id: 11, score: 0.94, box: [178, 168, 322, 312] },
    { id: 5, class: "traffic light", class_id: 9, score: 0.88, box: [992, 150, 1068, 330] },
    { id: 8, class: "umbrella", class_id: 25, score: 0.81, box: [x - 92, 380, x + 92, 560] },
  ];
}

export function draw(context, ms, withBoxes) {
  background(context);
  stopSign(context, 250, 240);
  trafficLight(context, 1030, 240);
  const tracks = tracksAt(ms);
  const [x1, , x2] = tracks[2].box;
  umbrella(context, (x1 + x2) / 2, 470);
  for (const { x, y, rgb } of PATCHES) {
    context.fillStyle = `rgb(${rgb})`;
    context.fillRect(x - 25, y - 25, 50, 50);
  }
  if (withBoxes) tracks.forEach((track) => box(context, track));
  strip(context, ms);
}

function background(context) {
  const sky = context.createLinearGradient(0, 0, 0, 460);
  sky.addColorStop(0, "#5d9bd3");
  sky.addColorStop(1, "#d9e8f2");
  context.fillStyle = sky;
  context.fillRect(0, 0, WIDTH, 460);
  context.fillStyle = "#6f9a4d";
  context.fillRect(0, 460, WIDTH, 100);
  context.fillStyle = "#5a5c60";
  context.fillRect(0, 560, WIDTH, 160);
  context.fillStyle = "#e8e6df";
  for (let x = 40; x < WIDTH; x += 180) context.fillRect(x, 634, 96, 10);
}

function stopSign(context, x, y) {
  context.fillStyle = "#8b8f94";
  context.fillRect(x - 6, y, 12, 320);
  context.beginPath();
  for (let corner = 0; corner < 8; corner += 1) {
    const angle = (Math.PI / 8) * (2 * corner + 1);
    context.lineTo(x + 70 * Math.cos(angle), y + 70 * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = "#c1272d";
  context.fill();
  context.lineWidth = 5;
  context.strokeStyle = "#fff";
  context.stroke();
  context.fillStyle = "#fff";
  context.font = "700 42px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("STOP", x, y + 3);
}

function trafficLight(context, x, y) {
  context.fillStyle = "#3a3d41";
  context.fillRect(x - 6, y, 12, 320);
  context.fillStyle = "#1d1f22";
  context.fillRect(x - 32, y - 84, 64, 168);
  [
    ["#e0443a", -52],
    ["#6b5a20", 0],
    ["#1f4a2a", 52],
  ].forEach(([colour, dy]) => {
    context.beginPath();
    context.arc(x, y + dy, 21, 0, 7);
    context.fillStyle = colour;
    context.fill();
  });
}

function umbrella(context, x, y) {
  context.strokeStyle = "#403020";
  context.lineWidth = 6;
  context.beginPath();
  context.moveTo(x, y - 80);
  context.lineTo(x, y + 76);
  context.stroke();
  context.fillStyle = "#7b3fa0";
  context.beginPath();
  context.arc(x, y, 86, Math.PI, 0);
  context.fill();
}

function box(context, { id, class: name, score, box: [x1, y1, x2, y2] }) {
  context.lineWidth = 7;
  context.strokeStyle = "#000";
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  context.lineWidth = 4;
  context.strokeStyle = "#7df06b";
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  const text = `${name} ${Math.round(score * 100)} #${id}`;
  context.font = "600 20px sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 16;
  context.fillStyle = "#7df06b";
  context.fillRect(x1 - 2, y1 - 30, width, 30);
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
  stripBits(ms).forEach((bit, index) => {
    context.fillStyle = bit ? "#fff" : "#000";
    context.fillRect(index * cell, 0, cell, cell);
  });
}
