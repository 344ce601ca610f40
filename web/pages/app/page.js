// What all pages share: elements by id, text, remembered values, file names, the sunlight theme.

export const byId = (id) => document.getElementById(id);

// A live region that is set to the same text is announced again, so unchanged text is left alone.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// The text as nodes, with what stood between backticks in <code>.
export function withCode(text) {
  const code = (textContent) => Object.assign(document.createElement("code"), { textContent });
  return text.split("`").map((part, index) => (index % 2 === 1 ? code(part) : part));
}

// Some private windows refuse storage: reading then gives null and writing does nothing.
export function recall(name, storage = "localStorage") {
  try {
    return globalThis[storage].getItem(name);
  } catch {
    return null;
  }
}

// A `value` of null removes the entry.
export function remember(name, value, storage = "localStorage") {
  try {
    if (value === null) globalThis[storage].removeItem(name);
    else globalThis[storage].setItem(name, value);
  } catch {
    // See recall().
  }
}

// Local time for a file name: 20261121-101530.
export function timestamp(date) {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60000);
  return local.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
}

// A button that switches the sunlight theme. early.js puts on a remembered one before the first paint.
function makeSunlightButton(button) {
  const { dataset } = document.documentElement;

  function show() {
    const on = dataset.theme === "sunlight";
    button.setAttribute("aria-pressed", String(on));
    // The colour of the browser's own bars.
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
      meta.dataset.own ??= meta.content;
      meta.content = on ? "#ffffff" : meta.dataset.own;
    }
  }

  button.addEventListener("click", () => {
    const on = dataset.theme !== "sunlight";
    if (on) dataset.theme = "sunlight";
    else delete dataset.theme;
    remember("carrier.sunlight", on ? "1" : "0");
    show();
  });
  show();
}

for (const button of globalThis.document?.querySelectorAll("[data-sunlight]") ?? []) makeSunlightButton(button);
