// Other carriers at the event: who is paired and here, a code for the next one, and joining with a code.

import { byId, setText } from "../app/page.js";
import { ask, isGone } from "./api.js";
import { carrierWords, codeClock, hindrance } from "./carriers_view.js";
import { make } from "./make.js";
import { failureWords } from "./words.js";

const PATH = "api/carriers";
const JOIN_TIMEOUT_MS = 60000; // another carrier may be far away
const READ_TIMEOUT_MS = 30000; // as long as the station looks for a code

// `tell(text)` shows a message, `answered(answer)` is told of every answer, `soon()` asks for the report at once.
export function makeCarriers({ words, tell, answered, nowMs, soon }) {
  let report = null;
  let drawnList = "";
  let drawnCode = "";
  const hindered = make("p", { className: "small" });
  const list = make("ul", { id: "carriers-list", className: "lines" });
  const none = make("p", { className: "small" });
  const show = make("button", { type: "button" });
  const code = make("div", { id: "carriers-code" });
  const [help, shown, clock] = [make("p", { className: "small" }), make("p", { className: "code-words" }), make("p", { className: "small" })];
  const picture = make("img", { alt: "", width: 240, height: 240 });
  const link = make("p", { className: "small code-link" });
  const hide = make("button", { type: "button" });
  code.append(help, shown, clock, picture, link, hide);
  const field = make("input", { id: "carriers-join", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: false, maxLength: 1024 });
  const label = make("label", { htmlFor: field.id });
  const join = make("button", { type: "submit" });
  const form = make("form", {}, label, field, join);
  const read = make("button", { type: "button" });
  const running = make("div", { className: "fields" }, none, list, show, code, form, read);
  byId("carriers-body").append(hindered, running);

  show.addEventListener("click", async () => {
    const answer = await ask("POST", `${PATH}/code`);
    if (failed(answer)) return;
    report = { ...report, code: answer.data };
    draw();
    shown.focus();
  });

  hide.addEventListener("click", async () => {
    if (failed(await ask("DELETE", `${PATH}/code`))) return;
    report = { ...report, code: null };
    draw();
    show.focus();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = field.value.trim();
    if (!typed || join.disabled) return;
    const options = { body: { code: typed }, timeoutMs: JOIN_TIMEOUT_MS };
    if (await pair(join, "control.carriers.joining", PATH, options)) field.value = "";
  });

  read.addEventListener("click", () => pair(read, "control.carriers.reading", `${PATH}/seen`, { timeoutMs: READ_TIMEOUT_MS + JOIN_TIMEOUT_MS }));

  // `button` says what is going on meanwhile.
  async function pair(button, progress, path, options) {
    button.disabled = true;
    button.textContent = words().say(progress);
    const answer = await ask("POST", path, options);
    button.disabled = false;
    draw();
    if (failed(answer)) return false;
    tell(words().say("control.carriers.paired", { name: answer.data.name }), { isBrief: true });
    soon();
    return true;
  }

  function failed(answer) {
    answered(answer);
    const isFailed = isGone(answer) || answer.status >= 400;
    if (isFailed) tell(failureWords(words(), answer));
    return isFailed;
  }

  function draw() {
    const { say, language } = words();
    const why = hindrance(words(), report);
    hindered.hidden = why === null;
    setText(hindered, why ?? "");
    running.hidden = why !== null;
    if (why !== null) return;
    none.hidden = report.carriers.length > 0;
    setText(none, say("control.carriers.none", { event: report.event }));
    setText(label, say("control.carriers.join.label"));
    if (!join.disabled) setText(join, say("control.carriers.join"));
    if (!read.disabled) setText(read, say("control.carriers.read"));
    setText(show, say("control.carriers.show"));
    setText(hide, say("control.carriers.hide"));
    setText(help, say("control.carriers.code.help"));
    drawCode();
    const key = JSON.stringify([report.carriers, language]);
    if (key === drawnList) return;
    drawnList = key;
    const focused = document.activeElement?.dataset?.revoke;
    list.replaceChildren(...report.carriers.map(item));
    if (focused) list.querySelector(`[data-revoke="${CSS.escape(focused)}"]`)?.focus();
  }

  function drawCode() {
    code.hidden = !report.code;
    show.hidden = Boolean(report.code);
    shown.tabIndex = -1;
    if (!report.code) {
      drawnCode = "";
      return;
    }
    setText(clock, words().say("control.carriers.code.left", { time: codeClock(report.code.expires_in_s) }));
    if (report.code.words === drawnCode) return;
    drawnCode = report.code.words;
    setText(shown, report.code.words);
    setText(link, report.code.link);
    picture.alt = words().say("control.carriers.code.picture");
    picture.src = `${PATH}/code.svg?of=${encodeURIComponent(drawnCode)}`;
  }

  function item(carrier) {
    const { say } = words();
    const { title, facts, isHere } = carrierWords(words(), carrier, nowMs());
    const text = make("div", {}, make("b", { textContent: title }), make("p", { className: "small", textContent: facts.join(" · ") }));
    const revoke = make("button", { type: "button", className: "bad", textContent: say("control.carriers.revoke") });
    revoke.dataset.revoke = carrier.id;
    revoke.setAttribute("aria-label", say("control.carriers.revoke.label", { name: title }));
    // The second press is the confirmation.
    revoke.addEventListener("click", async () => {
      if (!revoke.dataset.sure) {
        revoke.dataset.sure = "yes";
        setText(revoke, say("control.carriers.sure"));
        return;
      }
      if (failed(await ask("DELETE", `${PATH}/${carrier.id}`))) return;
      tell(words().say("control.carriers.revoked", { name: title }), { isBrief: true });
      soon();
    });
    revoke.addEventListener("blur", () => {
      delete revoke.dataset.sure;
      setText(revoke, words().say("control.carriers.revoke"));
    });
    const element = make("li", {}, text, revoke);
    element.dataset.state = isHere ? "here" : "away";
    return element;
  }

  return {
    show(next) {
      report = next;
      draw();
    },
  };
}
