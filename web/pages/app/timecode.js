// The timecode strip of the test scene: 40 cells from the top left corner, each 1/80 of the width
// square, white = 1, black = 0. Cells 0-1 are "1 0", 2-33 the low 32 bits of Unix time in
// milliseconds (most significant first), 34-37 the XOR of its eight nibbles, 38-39 "0 1".

export const CELLS = 40;
const WRAP_MS = 2 ** 32;
// Cells are read from a copy of the strip in which each is this many pixels square.
const SAMPLE_PX = 4;

// Forty brightness values (0..255) to the low 32 bits of the time; null if this is no timecode.
export function decodeCells(brightness) {
  if (brightness.length !== CELLS) return null;
  const darkest = Math.min(...brightness);
  const brightest = Math.max(...brightness);
  if (brightest - darkest < 96) return null;
  const middle = (darkest + brightest) / 2;
  const bits = brightness.map((value) => (value > middle ? 1 : 0));
  if (number(bits.slice(0, 2)) !== 0b10 || number(bits.slice(38)) !== 0b01) return null;
  let low = 0;
  let xor = 0;
  for (let nibble = 0; nibble < 8; nibble += 1) {
    const value = number(bits.slice(2 + nibble * 4, 6 + nibble * 4));
    low = low * 16 + value;
    xor ^= value;
  }
  return number(bits.slice(34, 38)) === xor ? low : null;
}

// The full time nearest to `nearMs` that ends in these 32 bits.
export function expand(low, nearMs) {
  return low + Math.round((nearMs - low) / WRAP_MS) * WRAP_MS;
}

function number(bits) {
  return bits.reduce((value, bit) => value * 2 + bit, 0);
}

// Reads the strip off a video, image or bitmap; null where there is none.
export function makeReader() {
  const canvas = document.createElement("canvas");
  canvas.width = CELLS * SAMPLE_PX;
  canvas.height = SAMPLE_PX;
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  context.imageSmoothingEnabled = false;

  return function read(picture, nearMs = Date.now()) {
    const width = picture.videoWidth ?? picture.naturalWidth ?? picture.width;
    if (!width) return null;
    context.drawImage(picture, 0, 0, width / 2, width / 80, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const low = decodeCells(Array.from({ length: CELLS }, (_, cell) => middleOf(data, cell)));
    return low === null ? null : expand(low, nearMs);
  };
}

// The mean of the cell's inner four pixels.
function middleOf(data, cell) {
  let sum = 0;
  for (const row of [1, 2]) {
    for (const column of [1, 2]) {
      const at = (row * CELLS * SAMPLE_PX + cell * SAMPLE_PX + column) * 4;
      sum += data[at] * 0.299 + data[at + 1] * 0.587 + data[at + 2] * 0.114;
    }
  }
  return sum / 4;
}
