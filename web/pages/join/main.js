// The page with the QR codes: they are fetched again when the station's network or address changes.

import { keepTrying } from "../app/images.js";
import { byId } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { addressParts, plainAddress, playAddress, version } from "./codes.js";

const EVERY_MS = 1500; // codes follow a change of the network within three seconds

let words = null;
let shown = null;
let lost = false;

async function load() {
  try {
    const response = await fetch("api/join", { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(await response.json());
    lost = false;
  } catch {
    lost = true;
  }
  trouble();
}

function show(join) {
  const next = version(join);
  if (next === shown) return;
  shown = next;
  byId("wifi").hidden = !join.wifi;
  byId("booth-number").textContent = join.wifi ? "2" : "1";
  if (join.wifi) {
    byId("wifi-code").src = `qr/wifi.svg?v=${next}`;
    byId("ssid").textContent = join.wifi.ssid;
  }
  byId("booth-code").src = `qr/booth.svg?v=${next}`;
  byId("booth-address").href = join.booth_url;
  write(byId("booth-address"), plainAddress(join.booth_url));
  write(byId("play-address"), playAddress(join.feed_url) ?? "play");
}

function write(link, address) {
  link.replaceChildren(...addressParts(address).flatMap((part) => [part, document.createElement("wbr")]));
}

// Stations without games have no such answer.
async function offerGames() {
  const response = await fetch("api/play", { cache: "no-store" }).catch(() => null);
  byId("play").hidden = !response?.ok;
}

function trouble() {
  byId("trouble").hidden = !lost;
  if (lost && words) byId("trouble").textContent = words.say("gallery.unreachable");
}

for (const id of ["wifi-code", "booth-code"]) keepTrying(byId(id));
byId("print").addEventListener("click", () => print());
translatePage((next) => {
  words = next;
  trouble();
});
load();
offerGames();
setInterval(() => !document.hidden && load(), EVERY_MS);
document.addEventListener("visibilitychange", () => !document.hidden && load());
