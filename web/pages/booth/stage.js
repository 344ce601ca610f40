// The picture, in one place through the whole visit: nothing jumps when its state changes.

import { keepTrying } from "../app/retried.js";
import { makeCompare } from "./compare.js";

const byId = (id) => document.getElementById(id);

export function makeStage() {
  const frame = byId("frame");
  const picture = byId("picture");
  const stylised = byId("stylised");
  const compare = makeCompare(frame, byId("compare"));
  const own = makeAddress(); // of the photo in this page
  const made = makeAddress(); // of the result
  let preview = null; // of the unfinished picture: {address, shown}

  for (const image of [picture, stylised]) {
    // Its shape is known before it is shown.
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

  // One that does not come is left out: the next is on its way.
  function follow(address) {
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

  function over(result) {
    const fresh = stylised.getAttribute("src") !== result;
    put(stylised, result);
    if (result && fresh) compare.reset();
    for (const id of ["compare", "divider"]) byId(id).hidden = !result;
  }

  return {
    shape,
    own: own.set,
    // Gives its address in this page.
    made: made.set,
    show({ name, job }) {
      const isDone = name === "done";
      const isWorking = name === "waiting" || name === "fetching";
      if (isWorking) follow(job?.preview);
      else preview = null;
      const before = isDone || !own.get() ? (job?.source ?? own.get()) : own.get();
      put(picture, preview?.shown ?? before);
      over(isDone ? made.get() : null);
      const empty = picture.hidden && name !== "camera" && name !== "live";
      byId("viewfinder").toggleAttribute("hidden", !empty);
      frame.classList.toggle("empty", empty);
    },
  };
}

// The address of a blob, for as long as it is wanted.
function makeAddress() {
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
