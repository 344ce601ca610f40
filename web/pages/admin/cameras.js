// The cameras that have names: what each is doing, and a button that selects it.

import { byId, setText } from "../app/page.js";
import { make } from "./make.js";
import { cameraWords } from "./words.js";

// `choose(name)` selects a camera.
export function makeCameras({ words, choose }) {
  const buttons = new Map(); // by name

  function makeButton(name) {
    const button = make("button", { type: "button", className: "camera" }, make("span", { textContent: name }), make("span", { className: "small" }));
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-pressed") !== "true") choose(name);
    });
    return button;
  }

  function show(cameras) {
    const names = cameras.map(({ name }) => name);
    if ([...buttons.keys()].join("\n") !== names.join("\n")) {
      buttons.clear();
      for (const name of names) buttons.set(name, makeButton(name));
      byId("cameras").replaceChildren(...buttons.values());
    }
    byId("cameras").hidden = names.length === 0;
    for (const camera of cameras) {
      const { tone, text } = cameraWords(words(), camera);
      const button = buttons.get(camera.name);
      button.setAttribute("aria-pressed", String(camera.selected));
      button.dataset.tone = tone;
      setText(button.lastElementChild, text);
    }
  }

  return { show, forget: () => show([]) };
}
