// Requests images again that fail to load, with exponential back-off.

import { doubled } from "./backoff.js";

const LONGEST_MS = 60000;

// A blob or data address that fails once fails always.
const LOCAL = /^(blob|data):/;

export function keepTrying(image) {
  let failures = 0;
  let failed = null; // the address that the failures are of
  let timer = 0;

  function again() {
    clearTimeout(timer);
    if (failed !== null && image.getAttribute("src") === failed) image.src = failed;
  }

  image.addEventListener("load", () => {
    failures = 0;
    failed = null;
  });
  image.addEventListener("error", () => {
    const address = image.getAttribute("src");
    if (!address || LOCAL.test(address)) return;
    failures = address === failed ? failures + 1 : 1;
    failed = address;
    clearTimeout(timer);
    timer = setTimeout(again, doubled(failures, LONGEST_MS));
  });
  return image;
}
