// The page of the interface for programs: the operations of the OpenAPI document, and what each needs.

import { byId } from "../app/page.js";
import { translatePage } from "../app/translated.js";
import { groups, matches } from "./contract.js";

let words = null;
let shown = null; // null: the document has not come
let lost = false;

function element(name, { text = "", ...fields } = {}, ...children) {
  const made = Object.assign(document.createElement(name), fields);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function draw() {
  if (!words) return;
  byId("trouble").hidden = !lost;
  byId("trouble").textContent = lost ? words.say("docs.unreachable") : "";
  if (!shown) return;
  const open = new Set([...document.querySelectorAll("details[open]")].map((details) => details.id));
  byId("groups").replaceChildren(...shown.map(group));
  for (const id of open) byId(id)?.setAttribute("open", "");
  filter();
}

function group({ name, operations }) {
  return element("section", {}, element("h2", { text: name, lang: "en" }), ...operations.map(operation));
}

function operation(one) {
  const title = element("summary", {});
  title.append(
    element("code", { className: "method", text: one.method }),
    " ",
    element("code", { className: "path", text: one.path }),
    element("span", { className: "what", text: one.summary, lang: "en" }),
  );
  const details = element("details", { id: one.id }, title);
  details.operation = one;
  if (one.description) details.append(element("p", { text: one.description, lang: "en" }));
  details.append(element("p", { className: "needs", text: words.say(`docs.needs.${one.needs}`) }));
  if (one.parameters.length > 0) {
    const lines = one.parameters.map(({ name, place, description }) =>
      element("li", {}, element("code", { text: name }), ` (${words.say(`docs.in.${place}`)}) `, element("span", { text: description, lang: "en" })),
    );
    details.append(element("h3", { text: words.say("docs.parameters") }), element("ul", {}, ...lines));
  }
  if (one.body.length > 0) details.append(element("h3", { text: words.say("docs.body") }), ...one.body.map(content));
  for (const { status, reason, contents } of one.answers) {
    details.append(element("h3", { text: `${words.say("docs.answer")} ${status} ${reason}` }), ...contents.map(content));
  }
  details.append(element("p", { className: "small", text: words.say("docs.errors") }));
  return details;
}

function content({ kind, lines }) {
  const list = lines.map(({ depth, name, type, optional, description }) => {
    const line = element("li", { className: `depth-${depth}` }, element("code", { text: name }), " ", element("code", { className: "type", text: type }));
    if (optional) line.append(" ", element("span", { text: words.say("docs.optional") }));
    if (description) line.append(element("span", { className: "what", text: description, lang: "en" }));
    return line;
  });
  return element("div", {}, element("p", {}, element("code", { text: kind })), ...(list.length > 0 ? [element("ul", {}, ...list)] : []));
}

function filter() {
  const text = byId("filter").value.trim();
  let found = 0;
  for (const section of document.querySelectorAll("#groups section")) {
    const all = [...section.querySelectorAll("details")];
    for (const details of all) details.hidden = !matches(details.operation, text);
    const here = all.filter((details) => !details.hidden).length;
    section.hidden = here === 0;
    found += here;
  }
  byId("none").hidden = found > 0;
}

// An address such as api/docs#get-api-status opens that operation.
function openNamed() {
  const details = document.querySelector(`details[id="${CSS.escape(location.hash.slice(1))}"]`);
  if (!details) return;
  details.open = true;
  details.scrollIntoView();
}

async function load() {
  try {
    const response = await fetch(new URL("../api/openapi.json", import.meta.url));
    if (!response.ok) throw new Error(`status ${response.status}`);
    shown = groups(await response.json());
  } catch {
    lost = true;
  }
  draw();
  openNamed();
}

byId("filter").addEventListener("input", filter);
addEventListener("hashchange", openNamed);
load();
translatePage((next) => {
  words = next;
  draw();
  openNamed();
});
