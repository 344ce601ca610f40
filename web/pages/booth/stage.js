// The picture, in one place through the whole visit: nothing jumps when its state changes.

import { makeCompare } from "./compare.js";

const LIVE_MS = 2000;
const byId = (id) => document.getElementById(id);

export function makeStage() {
  const frame = byId("frame");
  const picture = byId("picture");
  const stylised = byId("stylised");
  const compare = makeCompare(frame, byId("compare"));
  let own = null; // the address of the photo in this page
  let live = 0;

  // Its shape is known before it is shown.
  for (const image of [picture, stylised]) {
    image.addEventListener("load", () => {
      if (image.naturalWidth && !image.hidden) shape(image.naturalWidth, image.naturalHeight);
    });
    image.addEventListener("error", () => image.classList.add("unreadable"));
  }

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

  function watchLive(yes) {
    clearInterval(live);
    live = 0;
    if (!yes) return;
    const next = () => put(picture, `/snapshot.jpg?boxes=0&t=${Date.now()}`);
    live = setInterval(next, LIVE_MS);
    next();
  }

  function over(result) {
    const fresh = stylised.getAttribute("src") !== result;
    put(stylised, result);
    if (result && fresh) compare.reset();
    for (const id of ["compare", "divider"]) byId(id).hidden = !result;
  }

  return {
    shape,
    own(blob) {
      if (own) URL.revokeObjectURL(own);
      own = blob ? URL.createObjectURL(blob) : null;
    },
    show({ name, photo, job }) {
      const moment = photo === "live" && (name === "style" || name === "sending");
      if (moment !== Boolean(live)) watchLive(moment);
      const isDone = name === "done";
      if (!moment) put(picture, isDone || !own ? (job?.source ?? own) : own);
      if (name === "waiting" && job?.preview) put(picture, job.preview);
      over(isDone ? job.result : null);
      const empty = picture.hidden && name !== "camera";
      byId("viewfinder").toggleAttribute("hidden", !empty);
      frame.classList.toggle("empty", empty);
    },
  };
}
