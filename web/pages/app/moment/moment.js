// "Stylise this moment": the styles over the live picture, three, two, one, flash, and on to the
// booth page. Fetched when somebody first asks for it.

import { askStyles, face } from "../../booth/cards.js";
import { countDown } from "../../booth/countdown.js";
import { keep } from "../../booth/kept.js";
import { randomKey } from "../../booth/key.js";
import { sendOrder } from "../../booth/order.js";
import { serverConsent, troubleWords } from "../../booth/words.js";
import { waitMs } from "../backoff.js";
import { translate } from "../translated.js";

const ATTEMPTS = 4;
const STILL = new URL("../../snapshot.jpg?boxes=0", import.meta.url);

// `words` are the page's own, and change with them.
export async function makeMoment({ flash, words }) {
  await Promise.all([words.whole(), styled("booth/cards.css"), styled("app/moment/moment.css")]);
  const dialog = built();
  translate(dialog, words.say);
  const part = (name) => dialog.querySelector(`.${name}`);
  let calling = null; // off the running countdown or order

  async function open() {
    if (dialog.open) return;
    dialog.dataset.part = "choose";
    part("cards").replaceChildren();
    say("");
    dialog.showModal();
    const offer = await askStyles();
    const styles = offer?.styles ?? [];
    if (styles.length === 0) return void say(words.say(offer ? "style.none" : "style.unreachable"));
    part("cards").replaceChildren(...styles.map(card));
    const goesOn = styles.some((style) => style.made_by === "comfyui");
    part("consent").hidden = !goesOn;
    part("consent").textContent = goesOn
      ? `${words.say("moment.server", { mark: words.say("style.laptop") })} ${words.say(serverConsent(offer.comfyui_erases))}`
      : "";
    part("card")?.focus();
  }

  function card(style, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "card";
    button.append(...face(style, words, index));
    button.addEventListener("click", () => take(style));
    return button;
  }

  async function take({ id, made_by }) {
    calling = new AbortController();
    const { signal } = calling;
    dialog.dataset.part = "count";
    part("wait").textContent = "";
    part("counting").focus();
    const ready = await countDown((count) => (part("count").textContent = String(count)), signal);
    part("count").textContent = "";
    if (!ready) return;
    flash();
    part("wait").textContent = words.say("send.live");
    // Taken now and sent after: however long the network needs, it is this moment's.
    const photo = await still(signal);
    if (signal.aborted) return;
    if (!photo) return refused(words.say("moment.missed"));
    const order = { key: randomKey(), style: id, made_by, share: false };
    const answer = await ordered(order, photo, signal);
    if (signal.aborted) return;
    if (answer.id) {
      keep({ id: answer.id });
      location.href = `booth#${answer.id}`;
      return;
    }
    refused(refusal(answer));
  }

  function refused(text) {
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

  function shut() {
    calling?.abort();
    calling = null;
  }

  part("shut").addEventListener("click", () => dialog.close());
  // The page's own keys are not for who chooses here.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && dialog.dataset.part === "choose") dialog.close();
  });
  dialog.addEventListener("close", shut);
  addEventListener("pageshow", (event) => event.persisted && dialog.close());
  return { open };
}

// The picture of now, without boxes; null where there is none.
async function still(signal) {
  try {
    const response = await fetch(STILL, { cache: "no-store", signal });
    return response.ok ? await response.blob() : null;
  } catch {
    return null;
  }
}

// The answer to the order; with the same key until one comes.
async function ordered(order, photo, signal) {
  for (let failures = 1; ; failures += 1) {
    const answer = await new Promise((done) => {
      const abandon = sendOrder(order, photo, (event) => event.type !== "progress" && done(event));
      signal.addEventListener("abort", () => {
        abandon({ retried: false });
        done({ type: "unreachable" });
      });
    });
    if (answer.type === "answer") return answer;
    if (signal.aborted || failures >= ATTEMPTS) return { status: 0 };
    await new Promise((done) => setTimeout(done, waitMs(failures)));
  }
}

function built() {
  const dialog = document.createElement("dialog");
  dialog.id = "moment";
  dialog.setAttribute("aria-labelledby", "moment-heading");
  dialog.innerHTML = `
    <div class="sheet">
      <div class="head"><h2 id="moment-heading" data-words="moment.heading">Stylise this moment</h2>
        <button type="button" class="shut" data-words="moment.shut">Close</button></div>
      <p class="said" role="status" hidden></p>
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

function styled(href) {
  return new Promise((done) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  });
}
