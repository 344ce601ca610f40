// The photo strip of a round that this visitor started: shown, saved, shared, taken to another phone, stylised.

import { setText, timestamp } from "../app/page.js";
import { translate } from "../app/translated.js";
import { downloadPicture } from "../booth/result_download.js";
import { keepPhoto } from "../booth/store.js";
import { keyHeader } from "./round_key.js";
import { makeTakeHome } from "./take_home.js";

const PARTS = `
  <div id="strip-frame">
    <img id="strip" alt="Photo strip of the round" data-words-alt="games.strip" hidden>
    <p id="strip-state" role="status"></p>
  </div>
  <div id="strip-tools" hidden>
    <a class="button big" id="save" data-words="done.save">Save</a>
    <button type="button" id="share" data-words="done.share">Share</button>
    <button type="button" id="take" aria-expanded="false" aria-controls="take-home" data-words="games.take">To another phone</button>
    <button type="button" id="stylise" data-words="games.stylise">Make it a painting</button>
    <p class="small" id="strip-until"></p>
  </div>`;

// Its part of the page stands at the end of `place`.
export function makeKeepsake(place) {
  const box = Object.assign(document.createElement("div"), { id: "keepsake", innerHTML: PARTS });
  const part = (name) => box.querySelector(`#${name}`);
  const takeHome = makeTakeHome({ button: part("take") });
  let words = null;
  let round = null; // {own, result}
  let state = "coming"; // coming, there, gone
  let file = null;
  let address = null; // of the strip, in this page
  let stop = null;
  place.append(box);
  box.append(takeHome.element);

  function begin(next) {
    leave();
    round = next;
    const { own, result } = round;
    stop = downloadPicture(`api/play/rounds/${own.round}/strip.jpg`, ({ type, blob }) => {
      if (type === "there") return arrived(blob, result);
      if (type !== "received") state = "gone";
      return draw();
    }, keyHeader(own));
    takeHome.begin(own);
    draw();
  }

  function arrived(blob, { game }) {
    const name = `carrier-${game}-${timestamp(new Date())}.jpg`;
    file = new File([blob], name, { type: "image/jpeg" });
    address = URL.createObjectURL(blob);
    state = "there";
    part("strip").src = address;
    Object.assign(part("save"), { href: address, download: name });
    // navigator.canShare exists only on HTTPS.
    part("share").hidden = !navigator.canShare?.({ files: [file] });
    draw();
  }

  function leave() {
    stop?.();
    if (address) URL.revokeObjectURL(address);
    stop = round = file = address = null;
    state = "coming";
    part("strip").removeAttribute("src");
    part("save").removeAttribute("href");
    takeHome.leave();
  }

  function draw() {
    box.hidden = round === null;
    part("strip").hidden = state !== "there";
    part("strip-tools").hidden = state !== "there";
    const key = { coming: "games.strip.coming", gone: "games.strip.gone" }[state];
    setText(part("strip-state"), key ? words.say(key) : "");
    const time = new Date(round?.result.strip.expires_at_ms ?? 0).toLocaleString(words.language, { weekday: "long", hour: "numeric", minute: "2-digit" });
    setText(part("strip-until"), round ? words.say("done.until", { time }) : "");
  }

  part("share").addEventListener("click", () => {
    // A rejection means that the visitor cancelled it.
    navigator.share({ files: [file] }).catch(() => {});
  });
  // The booth's page finds it as a photo of this tab that was not sent yet.
  part("stylise").addEventListener("click", async () => {
    await keepPhoto(file, Date.now());
    location.href = "booth";
  });

  return {
    // `next`: {own, result} of a round with a strip, or null. Without a photo booth nobody is sent there.
    show(next, { words: nextWords, hasBooth }) {
      part("stylise").hidden = !hasBooth;
      if (words !== nextWords) {
        words = nextWords;
        translate(box, words.say);
        takeHome.reworded(words);
      }
      if (next && next.own.round !== round?.own.round) return begin(next);
      if (!next && round) leave();
      else if (next) round = next;
      return draw();
    },
  };
}
