// The codes to join, always for the network that the station is on now.

import { keepTrying } from "../app/retried.js";
import { offerSunlight } from "../app/sunlight.js";
import { speakLanguage } from "../app/translated.js";
import { addressParts, plainAddress, version } from "./codes.js";

const EVERY_MS = 10000;
const byId = (id) => document.getElementById(id);

let words = null;
let shown = null;
let lost = false;

async function ask() {
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
  const parts = addressParts(plainAddress(join.booth_url));
  byId("booth-address").replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
}

function trouble() {
  byId("trouble").hidden = !lost;
  if (lost && words) byId("trouble").textContent = words.say("gallery.unreachable");
}

for (const id of ["wifi-code", "booth-code"]) keepTrying(byId(id));
byId("print").addEventListener("click", () => print());
offerSunlight(byId("sunlight"));
speakLanguage(byId("language"), (next) => {
  words = next;
  trouble();
});
ask();
setInterval(() => !document.hidden && ask(), EVERY_MS);
document.addEventListener("visibilitychange", () => !document.hidden && ask());
