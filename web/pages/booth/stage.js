// The frame that shows the picture in every state of a visit, and the comparison of before and after in it.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";

export function makeStage() {
  const frame = byId("frame");
  const picture = byId("picture");
  const stylised = byId("stylised");
  const filling = byId("filling");
  const compare = makeCompare(frame, byId("compare"));
  const own = makeBlobAddress(); // of the photo in this page
  const made = makeBlobAddress(); // of the result
  let preview = null; // of the unfinished picture: {address, shown}

  for (const image of [picture, filling, stylised]) {
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
      put(filling, address);
    });
    image.src = address;
  }

  function showResult(result, moves) {
    const fresh = stylised.getAttribute("src") !== result;
    put(stylised, result);
    byId("compare").hidden = !result || moves;
    frame.classList.toggle("moves", moves);
    if (result && fresh && !moves) compare.reveal();
    if (!result || moves) compare.hide();
  }

  // While a picture is made it fills with what is there of it: the preview, or the photo in its colours.
  function fill(before, share) {
    put(filling, share === null ? null : (preview?.shown ?? before));
    frame.style.setProperty("--share", String(share ?? 0));
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
      put(picture, moves ? null : before);
      fill(before, shareMade(name, job));
      showResult(isDone ? made.get() : null, moves);
      const empty = picture.hidden && stylised.hidden && name !== "camera" && name !== "live";
      byId("viewfinder").toggleAttribute("hidden", !empty);
      frame.classList.toggle("empty", empty);
    },
  };
}

// How much of the picture is made, 0 to 1; null: it is not being made, or nobody knows.
function shareMade(name, job) {
  if (name === "fetching") return 1;
  return name === "waiting" && job?.steps ? (job.step ?? 0) / job.steps : null;
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

const WHOLE_MS = 1500; // a new result is shown whole for this long
const INVITATION_MS = 1800;
const INVITATION_PERCENT = 30; // how far the line moves
const EDGE_PERCENT = 6; // nearer to an edge, the handle stays inside of the frame

// A pointer drags the line between before and after; the invisible range input takes keys and serves screen
// readers. A new result is shown whole, then the line moves once to show that it can be moved.
function makeCompare(frame, range) {
  const divider = byId("divider");
  let dragging = false;
  let waiting = 0; // the timer
  let moving = 0; // the animation frame

  function set(percent) {
    range.value = String(percent);
    moveLine();
  }

  function moveLine() {
    const percent = Number(range.value);
    frame.style.setProperty("--at", `${percent}%`);
    frame.dataset.edge = percent < EDGE_PERCENT ? "left" : percent > 100 - EDGE_PERCENT ? "right" : "";
  }

  function follow(event) {
    const { left, width } = frame.getBoundingClientRect();
    set(Math.min(Math.max(((event.clientX - left) / width) * 100, 0), 100));
  }

  function endInvitation() {
    clearTimeout(waiting);
    cancelAnimationFrame(moving);
    divider.hidden = false;
  }

  function invite() {
    divider.hidden = false;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const beganAt = performance.now();
    const move = (now) => {
      const share = Math.min((now - beganAt) / INVITATION_MS, 1);
      set(Math.round(INVITATION_PERCENT * Math.sin(Math.PI * share)));
      if (share < 1) moving = requestAnimationFrame(move);
    };
    moving = requestAnimationFrame(move);
  }

  range.addEventListener("input", () => {
    endInvitation();
    moveLine();
  });
  frame.addEventListener("pointerdown", (event) => {
    if (range.hidden || event.button !== 0) return;
    endInvitation();
    dragging = true;
    frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => dragging && follow(event));
  for (const name of ["pointerup", "pointercancel"]) {
    frame.addEventListener(name, () => (dragging = false));
  }
  return {
    reveal() {
      endInvitation();
      divider.hidden = true;
      set(0);
      waiting = setTimeout(invite, WHOLE_MS);
    },
    hide() {
      endInvitation();
      divider.hidden = true;
    },
  };
}
