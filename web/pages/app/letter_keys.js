// Keys that are single letters are pressed unawares by speech input: they can be turned off (WCAG 2.1.4).

import { recall, remember } from "./stored.js";

const NAME = "carrier.letter_keys";

// `box` turns them on and off. `actions` are by letter, or by a key's name; those always work.
export function makeLetterKeys(box, actions) {
  box.checked = recall(NAME) !== "0";
  box.addEventListener("change", () => {
    remember(NAME, box.checked ? "1" : "0");
    show();
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const letter = event.key.length === 1;
    // In a list a letter looks for an entry.
    if (letter && (!box.checked || event.target.localName === "select")) return;
    actions[letter ? event.key.toLowerCase() : event.key]?.();
  });

  // What a button tells of its key: "Statistics (S)".
  function show() {
    for (const button of document.querySelectorAll("[aria-keyshortcuts], [data-key]")) {
      const key = (button.dataset.key ??= button.getAttribute("aria-keyshortcuts"));
      const told = ` (${key.toUpperCase()})`;
      const title = button.title.replace(told, "");
      button.title = box.checked ? title + told : title;
      if (box.checked) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    }
  }

  show();
  return { reworded: show };
}
