// Pictures that did not come are asked for again, after growing pauses.

const FIRST_MS = 500;
const LONGEST_MS = 60000;

export function pauseMs(failures) {
  return Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
}

// Of an image that shows what this device made itself, a failure is final.
const OWN = /^(blob|data):/;

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
    if (!address || OWN.test(address)) return;
    failures = address === failed ? failures + 1 : 1;
    failed = address;
    clearTimeout(timer);
    timer = setTimeout(again, pauseMs(failures));
  });
  return image;
}
