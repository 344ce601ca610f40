// Places of the test scene whose colour is known by construction: {x, y, rgb} in 1280x720.

import { PATCHES } from "../mock/scene.js";

// capture/src/sources/scene/backdrop.rs: eight bars of 80x16 pixels right of the timecode.
const BARS = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [0, 0, 0],
];

export const KNOWN = {
  mock: PATCHES,
  carrier: BARS.map((rgb, index) => ({ x: 680 + 80 * index, y: 8, rgb })),
};
