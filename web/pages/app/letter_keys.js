// The page's keys that are single letters. Whoever speaks to a browser, or rests a hand on the keyboard,
// presses them unawares: they can be turned off (WCAG 2.1.4).

const NAME = "carrier.letter_keys";

// `box` turns them on and off. `actions` are by letter, or by a key's name; those always work.
export function makeLetterKeys(box, actions) {
  box.checked = remembered();
  box.addEventListener("change", () => {
    remember(box.checked);
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
      button.dataset.key ??= button.getAttribute("aria-keyshortcuts");
      const { key } = button.dataset;
      const title = button.title.replace(` (${key.toUpperCase()})`, "");
      button.title = box.checked ? `${title} (${key.toUpperCase()})` : title;
      if (box.checked) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    }
  }

  show();
  return { reworded: show };
}

function remembered() {
  try {
    return localStorage.getItem(NAME) !== "0";
  } catch {
    return true;
  }
}

function remember(yes) {
  try {
    localStorage.setItem(NAME, yes ? "1" : "0");
  } catch {
    // As elsewhere: not in some private windows.
  }
}
