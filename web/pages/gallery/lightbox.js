// One picture, large.

import { keepTrying } from "../app/retried.js";
import { caption } from "./grid.js";
import { neighbour } from "./order.js";

const byId = (id) => document.getElementById(id);

// `list` gives the pictures as they are now, `words` the language.
export function makeLightbox({ list, words }) {
  const dialog = byId("lightbox");
  keepTrying(byId("large"));
  let shown = null;

  function show(picture) {
    if (!picture) return;
    shown = picture.id;
    const said = caption(picture, words());
    // Emptied first: the one before does not stand over these words until it has come.
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
    // A picture that was hidden or erased meanwhile leaves the screen as well.
    refresh() {
      if (shown && !list().some(({ id }) => id === shown)) dialog.close();
    },
  };
}
