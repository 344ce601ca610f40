// The frame that shows the picture in every state of a visit, and the comparison of before and after in it.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";

export function makeStage() {
  const frame = byId("frame");
  const picture = byId("picture");
  const stylised = byId("stylised");
  const compare = makeCompare(frame, byId("compare"));
  const own = makeBlobAddress(); // of the photo in this page
  const made = makeBlobAddress(); // of the result
  let preview = null; // of the unfinished picture: {address, shown}

  for (const image of [picture, stylised]) {
    // The frame takes the image's shape before it is shown.
    image.addEventListener("load", () => {
      image.classList.remove("unreadable");
      if (image.naturalWidth && !image.hidden) shape(image.naturalWidth, image.naturalHeight);
    });
    image.addEventListener("error", () => image.classList.add("unreadable"));
  }
  keepTrying(picture);

  function shape(width, height) {
    frame.style.setProperty("--aspect", String(width / height));
  }

  function put(image, address) {
    image.hidden = !address;
    if (!address) return void image.removeAttribute("src");
    if (image.getAttribute("src") === address) return;
    image.classList.remove("unreadable");
    image.src = address;
  }

  // A preview that fails is skipped: the next one follows.
  function loadPreview(address) {
    if (!address || address === preview?.address) return;
    const shown = preview?.shown ?? null;
    const next = { address, shown };
    preview = next;
    const image = new Image();
    image.addEventListener("load", () => {
      if (preview !== next) return;
      next.shown = address;
      put(picture, address);
    });
    image.src = address;
  }

  function showResult(result, moves) {
    const fresh = stylised.getAttribute("src") !== result;
    put(stylised, result);
    if (result && fresh) compare.reset();
    frame.classList.toggle("moves", moves);
    for (const id of ["compare", "divider"]) byId(id).hidden = !result || moves;
  }

  return {
    shape,
    own: own.set,
    // Gives the blob's address.
    made: made.set,
    show({ name, job }) {
      const isDone = name === "done";
      const isWorking = name === "waiting" || name === "fetching";
      if (isWorking) loadPreview(job?.preview);
      else preview = null;
      const before = isDone || !own.get() ? (job?.source ?? own.get()) : own.get();
      const moves = isDone && job?.photo_kind === "boomerang";
      put(picture, moves ? null : (preview?.shown ?? before));
      showResult(isDone ? made.get() : null, moves);
      const empty = picture.hidden && stylised.hidden && name !== "camera" && name !== "live";
      byId("viewfinder").toggleAttribute("hidden", !empty);
      frame.classList.toggle("empty", empty);
    },
  };
}

// The object URL of one blob at a time.
function makeBlobAddress() {
  let address = null;
  return {
    get: () => address,
    set(blob) {
      if (address) URL.revokeObjectURL(address);
      address = blob ? URL.createObjectURL(blob) : null;
      return address;
    },
  };
}

// A pointer drags the line between before and after; the invisible range input takes keys and serves screen
// readers.
function makeCompare(frame, range) {
  let dragging = false;

  function set(percent) {
    range.value = String(percent);
    moveLine();
  }

  function moveLine() {
    frame.style.setProperty("--at", `${range.value}%`);
  }

  function follow(event) {
    const { left, width } = frame.getBoundingClientRect();
    set(Math.min(Math.max(((event.clientX - left) / width) * 100, 0), 100));
  }

  range.addEventListener("input", moveLine);
  frame.addEventListener("pointerdown", (event) => {
    if (range.hidden || event.button !== 0) return;
    dragging = true;
    frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => dragging && follow(event));
  for (const name of ["pointerup", "pointercancel"]) {
    frame.addEventListener(name, () => (dragging = false));
  }
  return { reset: () => set(50) };
}
