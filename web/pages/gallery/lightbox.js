// One picture of the gallery, large.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";
import { caption } from "./pictures.js";

// `list()` gives the current pictures, `words()` the texts.
export function makeLightbox({ list, words }) {
  const dialog = byId("lightbox");
  keepTrying(byId("large"));
  let shown = null;

  function show(picture) {
    if (!picture) return;
    shown = picture.id;
    const said = caption(picture, words());
    // Emptied first, so that the previous picture is not shown with this one's caption.
    if (byId("large").getAttribute("src") !== picture.url) byId("large").removeAttribute("src");
    byId("large").src = picture.url;
    byId("large").alt = said;
    byId("large-words").textContent = said;
    const alone = list().length < 2;
    byId("previous").disabled = alone;
    byId("next").disabled = alone;
    if (!dialog.open) dialog.showModal();
  }

  const turn = (by) => show(neighbour(list(), shown, by));
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("shut").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    shown = null;
    byId("large").removeAttribute("src");
  });

  return {
    show,
    // Closes a picture that was hidden or deleted meanwhile.
    refresh() {
      if (shown && !list().some(({ id }) => id === shown)) dialog.close();
    },
  };
}

// The next picture in the lightbox, with wrap-around.
export function neighbour(pictures, id, by) {
  const at = pictures.findIndex((picture) => picture.id === id);
  if (at < 0) return null;
  return pictures[(at + by + pictures.length) % pictures.length];
}
