// The networks of the station's machine, the address that the codes show, and why. The owner may choose the interface.

import { byId, setText } from "../app/page.js";
import { make } from "./make.js";
import { named } from "./words.js";

export const PREFER = "network.prefer";

// {title, facts} of an interface in words.
export function interfaceWords(words, { name, kind, is_up, is_default_route, addresses, ssid, signal_percent }) {
  const { say } = words;
  const wifi = [ssid, signal_percent === null ? null : `${words.number(signal_percent)} %`].filter(Boolean).join(", ");
  const state = is_up ? null : say("control.network.down");
  const route = is_default_route ? say("control.network.route") : null;
  const where = addresses.length > 0 ? addresses.join(", ") : say("control.network.no_address");
  return { title: `${named(words, "control.network.kind", kind)} (${name})`, facts: [wifi, state, where, route].filter(Boolean) };
}

// `change(key, value)` changes a setting.
export function makeNetwork({ words, change }) {
  let drawn = "";

  function show(report) {
    const { say, language } = words();
    setText(byId("network-address"), report.address);
    setText(byId("network-summary"), report.summary ?? "");
    setText(byId("network-why"), named(words(), "control.network.why", report.reason));
    byId("network-address").dataset.tone = ["public_url", "preferred", "visitors_wifi", "default_route", "local_network", "listen"].includes(report.reason) ? "" : "bad";
    byId("network-announced").hidden = !report.announced;
    setText(byId("network-announced"), report.announced ? say("control.network.announced", { url: report.announced }) : "");
    byId("network-auto").hidden = report.prefer === null;
    const isGone = report.prefer !== null && !report.interfaces.some(({ name, is_up }) => name === report.prefer && is_up);
    byId("network-gone").hidden = !isGone;
    setText(byId("network-gone"), isGone ? say("control.network.gone", { name: report.prefer }) : "");
    // The signal changes all the time: the list is drawn anew only for that and keeps the focus.
    const key = JSON.stringify([report.interfaces, report.interface, report.prefer, language]);
    if (key === drawn) return;
    drawn = key;
    const focused = document.activeElement?.dataset?.prefer;
    // That of the codes first.
    const sorted = [...report.interfaces].sort((a, b) => (b.name === report.interface) - (a.name === report.interface));
    byId("network-list").replaceChildren(...sorted.map((one) => item(one, report)));
    if (focused) byId("network-list").querySelector(`[data-prefer="${CSS.escape(focused)}"]`)?.focus();
  }

  function item(one, { interface: shown, prefer }) {
    const { say } = words();
    const { title, facts } = interfaceWords(words(), one);
    const text = make("div", {}, make("b", { textContent: title }), make("p", { className: "small", textContent: facts.join(" · ") }));
    const element = make("li", {}, text);
    if (one.name === shown) element.append(make("span", { className: "badge", textContent: say("control.network.shown") }));
    const canBeChosen = one.kind !== "loopback" && one.is_up && one.addresses.length > 0;
    if (canBeChosen && one.name !== prefer) {
      const button = make("button", { type: "button", textContent: say("control.network.choose") });
      button.setAttribute("aria-label", say("control.network.choose.label", { name: one.name }));
      button.dataset.prefer = one.name;
      button.addEventListener("click", () => change(PREFER, one.name));
      element.append(button);
    }
    element.dataset.name = one.name;
    return element;
  }

  byId("network-auto").addEventListener("click", () => change(PREFER, null));

  return {
    show,
    forget() {
      drawn = "";
      byId("network-list").replaceChildren();
    },
  };
}
