// "Stylise this moment": a dialog of styles over the live picture, a countdown, a snapshot, and on to the booth
// page with the order. Fetched on its first use.

import { fetchStyles, isMixed, styleCard } from "../booth/cards.js";
import { digitSpot } from "../booth/digit_spot.js";
import { watchFaces } from "../booth/faces.js";
import { randomKey, sendOrder } from "../booth/order.js";
import { countDown } from "../booth/photo.js";
import { keep } from "../booth/store.js";
import { serverConsent, troubleWords } from "../booth/words.js";
import { sleep, waitMs } from "./backoff.js";
import { loadStyleSheet } from "./style_sheet.js";
import { translate } from "./translated.js";

const ATTEMPTS_MAX = 4;
const SNAPSHOT = new URL("../snapshot.jpg?boxes=0", import.meta.url);
const DIGIT = 0.26; // of the picture's shorter side

// `flash()` shows that the picture was taken; `picture()` gives the rectangle that the picture fills; `words` are those of
// live_words.js.
export async function makeMoment({ flash, picture, words }) {
  await Promise.all([words.whole(), loadStyleSheet("booth/cards.css"), loadStyleSheet("app/moment.css")]);
  const dialog = makeDialog();
  translate(dialog, words.say);
  const part = (name) => dialog.querySelector(`.${name}`);
  let running = null; // the AbortController of the countdown and the order
  let faces = null;
  let stopWatching = null;

  async function open() {
    if (dialog.open) return;
    dialog.dataset.part = "choose";
    part("cards").replaceChildren();
    say("");
    dialog.showModal();
    // From now on, so that they are known at the first digit.
    stopWatching = watchFaces((seen) => (faces = seen));
    const offer = await fetchStyles();
    const styles = offer?.styles ?? [];
    if (styles.length === 0) return void say(words.say(offer ? "style.none" : "style.unreachable"));
    const mixed = isMixed(styles);
    part("cards").replaceChildren(...styles.map((style, index) => card(style, index, mixed)));
    const toServer = styles.some((style) => style.made_by === "comfyui");
    part("consent").hidden = !toServer;
    part("consent").textContent = toServer
      ? `${words.say("moment.server", { mark: words.say("style.laptop") })} ${words.say(serverConsent(offer.comfyui_erases))}`
      : "";
    part("card")?.focus();
  }

  function card(style, index, mixed) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "card";
    button.append(...styleCard(style, words, index, mixed));
    button.addEventListener("click", () => take(style));
    return button;
  }

  async function take({ id, made_by }) {
    running = new AbortController();
    const { signal } = running;
    dialog.dataset.part = "count";
    part("wait").textContent = "";
    part("counting").focus();
    const ready = await countDown(showCount, signal);
    part("count").textContent = "";
    if (!ready) return;
    flash();
    part("wait").textContent = words.say("send.live");
    // Taken before the order is sent: a slow upload does not change the picture.
    const photo = await takeSnapshot(signal);
    if (signal.aborted) return;
    if (!photo) return showError(words.say("moment.missed"));
    const order = { key: randomKey(), style: id, made_by, share: false };
    const answer = await placeOrder(order, photo, signal);
    if (signal.aborted) return;
    if (answer.id) {
      keep({ id: answer.id });
      location.href = `booth#${answer.id}`;
      return;
    }
    showError(refusal(answer));
  }

  function showCount(count) {
    const { left, top, right, bottom } = picture();
    const [width, height] = [right - left, bottom - top];
    const spot = digitSpot(faces, width / height);
    const { style } = part("count");
    style.left = `${left + spot.x * width}px`;
    style.top = `${top + spot.y * height}px`;
    style.fontSize = `${DIGIT * Math.min(width, height)}px`;
    part("count").textContent = String(count);
  }

  function showError(text) {
    dialog.dataset.part = "choose";
    say(text);
    part("card")?.focus();
  }

  function refusal({ status, retryAfterMs, detail }) {
    if (status === 0) return words.say("send.unreachable");
    if (status === 429) {
      const count = Math.max(Math.ceil(retryAfterMs / 1000), 1);
      return `${words.say("send.busy")} ${words.say("moment.later", { count })}`;
    }
    const { title, detail: more } = troubleWords({ kind: String(status), detail });
    return `${words.say(...title)} ${words.say(...more)}`;
  }

  function say(text) {
    part("said").textContent = text;
    part("said").hidden = !text;
  }

  function abort() {
    running?.abort();
    running = null;
    stopWatching?.();
    stopWatching = null;
    faces = null;
  }

  part("shut").addEventListener("click", () => dialog.close());
  // The letter keys of the page do nothing while the dialog is open.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && dialog.dataset.part === "choose") dialog.close();
  });
  dialog.addEventListener("close", abort);
  addEventListener("pageshow", (event) => event.persisted && dialog.close());
  return { open };
}

// Without boxes; null where there is no picture.
async function takeSnapshot(signal) {
  try {
    const response = await fetch(SNAPSHOT, { cache: "no-store", signal });
    return response.ok ? await response.blob() : null;
  } catch {
    return null;
  }
}

// Sends the order, again with the same key until the station answers; gives the answer.
async function placeOrder(order, photo, signal) {
  for (let failures = 1; ; failures += 1) {
    const answer = await new Promise((done) => {
      const abandon = sendOrder(order, photo, (event) => event.type !== "progress" && done(event));
      signal.addEventListener("abort", () => {
        abandon({ retried: false });
        done({ type: "unreachable" });
      });
    });
    if (answer.type === "answer") return answer;
    if (signal.aborted || failures >= ATTEMPTS_MAX) return { status: 0 };
    await sleep(waitMs(failures));
  }
}

function makeDialog() {
  const dialog = document.createElement("dialog");
  dialog.id = "moment";
  dialog.setAttribute("aria-labelledby", "moment-heading");
  dialog.innerHTML = `
    <div class="chooser">
      <div class="head"><h2 id="moment-heading" data-words="moment.heading">Stylise this moment</h2>
        <button type="button" class="shut" data-words="moment.shut">Close</button></div>
      <p class="said note" role="status" hidden></p>
      <div class="cards"></div>
      <p class="hint" data-words="moment.hint">Choose a style: three, two, one, and the picture is taken. It is in no gallery unless you show it there.</p>
      <p class="hint consent" hidden></p>
    </div>
    <div class="counting" tabindex="-1">
      <p class="count" role="status" aria-live="assertive"></p>
      <p class="wait" role="status"></p>
    </div>`;
  document.body.append(dialog);
  return dialog;
}
