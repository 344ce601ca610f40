// Where the digits of the countdown stand: beside the faces, and over none of them. Pure.

// By preference: beside before above and below, and near the upper edge, where cameras are.
const SPOTS = [
  { x: 0.13, y: 0.24 },
  { x: 0.87, y: 0.24 },
  { x: 0.13, y: 0.5 },
  { x: 0.87, y: 0.5 },
  { x: 0.13, y: 0.78 },
  { x: 0.87, y: 0.78 },
  { x: 0.5, y: 0.14 },
  { x: 0.5, y: 0.86 },
];
const RADIUS = 0.13; // of a digit, in heights of the picture

const LEVEL = 1.5; // how much a spot at the height of the face is preferred

// Where nobody looks for faces, one is expected in the middle, where the guide is.
const EXPECTED = [{ x1: 0.26, y1: 0.13, x2: 0.74, y2: 0.79 }];

// `faces`: {x1, y1, x2, y2} as shares of the picture; `aspect`: its width by its height. Gives the centre {x, y} as
// shares: of the spots that cover no face the one beside the largest face, so that eyes stay near the lens.
export function digitSpot(faces, aspect) {
  const boxes = faces?.length ? faces : EXPECTED;
  const largest = boxes.reduce((one, other) => (area(other) > area(one) ? other : one));
  const rated = SPOTS.map((spot) => ({
    spot,
    clearance: Math.min(...boxes.map((box) => distance(spot, box, aspect))),
    away: distance(spot, largest, aspect) + LEVEL * Math.abs(spot.y - (largest.y1 + largest.y2) / 2),
  }));
  const free = rated.filter(({ clearance }) => clearance >= RADIUS);
  const best =
    free.length > 0
      ? free.reduce((one, other) => (other.away < one.away - 0.01 ? other : one))
      : rated.reduce((one, other) => (other.clearance > one.clearance ? other : one));
  return best.spot;
}

function area({ x1, y1, x2, y2 }) {
  return (x2 - x1) * (y2 - y1);
}

// From a point to a box, in heights of the picture; 0 within it.
function distance({ x, y }, { x1, y1, x2, y2 }, aspect) {
  const beside = Math.max(x1 - x, 0, x - x2) * aspect;
  const above = Math.max(y1 - y, 0, y - y2);
  return Math.hypot(beside, above);
}
