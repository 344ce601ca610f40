// The gallery's pictures, which the owner may hide and delete.

import { byId, setText } from "../app/page.js";
import { moderate } from "../gallery/moderation.js";
import { drawGrid } from "../gallery/pictures.js";
import { ask } from "./api.js";
import { failureWords } from "./words.js";

export function makeGallery({ words, tell, answered }) {
  let pictures = null;

  function draw() {
    if (!pictures) return;
    drawGrid(pictures, { words: words(), admin: true, act });
    byId("gallery-none").hidden = pictures.length > 0;
    setText(byId("gallery-count"), words().number(pictures.length));
  }

  async function load() {
    const answer = await ask("GET", "api/gallery");
    if (answer.status === 200) {
      ({ pictures } = answer.data);
      draw();
    }
    return answer;
  }

  async function act(action, picture) {
    if (action === "open") {
      open(picture.url, "_blank", "noopener");
      return;
    }
    const status = await moderate(action, picture);
    if (status < 200 || status >= 300) tell(failureWords(words(), { status, retryAfterMs: 0, detail: "" }));
    answered({ status });
    await load();
  }

  return {
    load,
    draw,
    forget() {
      pictures = [];
      draw();
      pictures = null;
    },
  };
}
