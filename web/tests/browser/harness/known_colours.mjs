// Places of the test scene whose colour is known by construction: {x, y, rgb} in 1280x720.

import { PATCHES } from "../mock/scene.js";

export const KNOWN = {
  mock: PATCHES,
  // The colour bars of capture's built-in scene; empty until it has some.
  carrier: [],
};
