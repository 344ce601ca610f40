// The code by which a visitor takes the picture to a phone of their own, while it is made and when it is there.

import { retried } from "../../app/backoff.js";
import { byId, setText } from "../../app/page.js";
import { translate } from "../../app/translated.js";
import { handoverStatus } from "../handover.js";

const ASK_EVERY_MS = 2000; // whether somebody has redeemed the code

const PARTS = `
  <div class="codes">
    <figure id="home-wifi" hidden>
      <img id="home-wifi-code" alt="Code that joins the Wi-Fi" data-words-alt="join.wifi.code">
      <figcaption id="home-wifi-name"></figcaption>
    </figure>
    <figure id="home-picture">
      <img id="home-code" alt="Code that opens this picture on a phone" data-words-alt="kiosk.home.code" hidden>
      <figcaption id="home-words"></figcaption>
    </figure>
  </div>
  <button type="button" id="home-again" data-words="kiosk.home.again" hidden>Another code</button>`;

const SCREENS = { waiting: "work", fetching: "work", done: "done" };

// `taken()` is called when a phone has the picture.
export function makeTakeHome({ taken }) {
  const box = Object.assign(document.createElement("div"), { id: "take-home", innerHTML: PARTS });
  const part = (name) => box.querySelector(`#home-${name}`);
  let words = null;
  let job = null; // the id
  let address = null; // of the code's picture
  let isTaken = false;
  let timer = 0;

  async function ask() {
    const mine = job;
    clearTimeout(timer);
    drop();
    const handover = await retried(async () => {
      if (job !== mine) return null;
      const response = await fetch(`api/stylise/${mine}/handover`, { method: "POST" });
      if (response.status === 404) return null; // it was deleted
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.json();
    });
    if (!handover || job !== mine) return;
    address = URL.createObjectURL(new Blob([handover.code], { type: "image/svg+xml" }));
    part("code").src = address;
    part("code").hidden = false;
    follow(handover.secret, mine);
  }

  function follow(secret, mine) {
    timer = setTimeout(async () => {
      const status = await handoverStatus(secret);
      if (job !== mine) return undefined;
      if (status === "over") return ask();
      if (status !== "taken") return follow(secret, mine);
      drop();
      isTaken = true;
      say();
      return taken();
    }, ASK_EVERY_MS);
  }

  // The code leaves the page's memory.
  function drop() {
    if (address) URL.revokeObjectURL(address);
    address = null;
    isTaken = false;
    part("code").removeAttribute("src");
    part("code").hidden = true;
    say();
  }

  function say() {
    part("again").hidden = !isTaken;
    if (words) setText(part("words"), words.say(isTaken ? "kiosk.home.taken" : "kiosk.home.scan"));
  }

  // The address of the picture works only in the station's network.
  async function offerWifi() {
    const wifi = await stationWifi();
    part("wifi").hidden = !wifi;
    if (!wifi) return;
    part("wifi-code").src = "qr/wifi.svg";
    setText(part("wifi-name"), words.say("kiosk.home.wifi", { name: wifi.ssid }));
  }

  part("again").addEventListener("click", ask);

  return {
    reworded(next) {
      words = next;
      translate(box, words.say);
      say();
      offerWifi();
    },
    show({ name, id }) {
      const screen = SCREENS[name];
      const next = screen && id ? id : null;
      if (next) {
        const place = byId(`screen-${screen}`).querySelector(".words");
        if (box.parentElement !== place) place.append(box);
      }
      if (next === job) return;
      job = next;
      clearTimeout(timer);
      if (job) ask();
      else drop();
    },
  };
}

async function stationWifi() {
  try {
    const response = await fetch("api/join", { cache: "no-store" });
    return response.ok ? (await response.json()).wifi : null;
  } catch {
    return null;
  }
}
