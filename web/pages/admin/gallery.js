// The gallery's pictures, which the owner may approve, hide and delete, one or several at once.

import { byId, setText } from "../app/page.js";
import { moderate } from "../gallery/moderation.js";
import { drawGrid } from "../gallery/pictures.js";
import { ask } from "./api.js";
import { makeApprovals } from "./approvals.js";
import { changePictures, makeBulk } from "./bulk.js";
import { failureWords } from "./words.js";

export function makeGallery({ words, nowMs, announce, tell, answered }) {
  let pictures = null;
  const listed = () => pictures ?? [];
  const approvals = makeApprovals({ words, act: actOnSeveral, announce });
  const bulk = makeBulk({ words, nowMs, pictures: listed, act: actOnSeveral });

  function draw() {
    if (!pictures) return;
    drawGrid(pictures, { words: words(), admin: true, act, pick: bulk.pick });
    byId("gallery-none").hidden = pictures.length > 0;
    setText(byId("gallery-count"), words().number(pictures.length));
    bulk.draw();
    approvals.draw();
  }

  async function load() {
    const answer = await ask("GET", "api/gallery");
    if (answer.status === 200) {
      ({ pictures } = answer.data);
      approvals.show(pictures);
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

  async function actOnSeveral(action, ids) {
    const answer = await changePictures(action, ids);
    if (answer.status !== 200) tell(failureWords(words(), answer));
    else if (answer.done < ids.length) tell(words().say("control.bulk.some", { done: answer.done, all: ids.length }));
    answered(answer);
    await load();
  }

  return {
    load,
    draw,
    forget() {
      pictures = [];
      approvals.show(pictures);
      draw();
      pictures = null;
    },
  };
}
