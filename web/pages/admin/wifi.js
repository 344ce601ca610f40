// The Wi-Fi network of the QR code: its settings are changed together, because a name needs its password.

import { byId, setText } from "../app/page.js";

const START = "wifi.";

// `change(key, value)` sends the whole network; `fault(text)` shows why it was refused.
export function makeWifi({ words, change }) {
  let isTyped = false;
  const form = byId("wifi");
  const value = (settings, name) => settings.find(({ key }) => key === START + name)?.value;

  form.addEventListener("input", () => {
    isTyped = true;
    draw();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fault("");
    change("wifi", given());
  });

  function given() {
    const ssid = byId("wifi-ssid").value;
    const security = byId("wifi-security").value;
    const hidden = byId("wifi-hidden").checked;
    if (ssid === "") return { ssid: null, password: null, security: null, hidden: null };
    const network = { ssid, security, hidden };
    if (security === "nopass") return { ...network, password: null };
    // An empty field keeps the password that the station has.
    const password = byId("wifi-password").value;
    return password === "" ? network : { ...network, password };
  }

  function draw() {
    byId("wifi-password").disabled = byId("wifi-security").value === "nopass";
  }

  function fault(text) {
    byId("wifi-fault").hidden = !text;
    setText(byId("wifi-fault"), text);
  }

  return {
    owns: (key) => key?.startsWith(START) || key === "wifi",
    fault,
    applied() {
      isTyped = false;
      byId("wifi-password").value = "";
    },
    show(settings) {
      byId("wifi").hidden = value(settings, "ssid") === undefined;
      if (isTyped) return;
      byId("wifi-ssid").value = value(settings, "ssid") ?? "";
      byId("wifi-security").value = value(settings, "security") ?? "WPA";
      byId("wifi-hidden").checked = value(settings, "hidden") ?? false;
      const isSet = settings.find(({ key }) => key === `${START}password`)?.is_set;
      byId("wifi-password").placeholder = isSet ? words().say("control.wifi.kept") : "";
      draw();
    },
  };
}
