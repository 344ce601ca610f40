// The bright theme for sunlight: kept by early.js from page to page, put on and left on each of them.

import { remember } from "./stored.js";

const root = document.documentElement;

// `button` puts it on and off, and tells which it is.
export function offerSunlight(button) {
  show(button, isOn());
  button.addEventListener("click", () => {
    const yes = !isOn();
    if (yes) root.dataset.theme = "sunlight";
    else delete root.dataset.theme;
    remember("carrier.sunlight", yes ? "1" : "0");
    show(button, yes);
  });
}

function isOn() {
  return root.dataset.theme === "sunlight";
}

// The browser's own bars follow the theme as well.
function show(button, yes) {
  button.setAttribute("aria-pressed", String(yes));
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
    meta.dataset.own ??= meta.content;
    meta.content = yes ? "#ffffff" : meta.dataset.own;
  }
}
