// Fields of several values: a minimum score for each of some classes, and a bitrate for each rendition.

import { setText } from "../app/page.js";
import { make } from "./make.js";
import { numberWords, settingLabel, valueWords } from "./words.js";

const NEW_SCORE = 0.5; // of a class that gets its own minimum score

// A row for each class with a score of its own, and a list of the others. `change({name: score})` changes one class,
// with null it removes the class.
export function scores(setting, words, change, id) {
  const { key, choices = [], min, max, step } = setting;
  const summary = make("summary");
  const rows = make("div", { className: "rows" });
  const more = make("select", { id });
  const control = make("div", { className: "rows" }, rows, make("label", { htmlFor: id, textContent: words.say("control.scores.add") }), more);
  control.setAttribute("role", "group");
  control.setAttribute("aria-label", settingLabel(words, key));
  more.addEventListener("change", () => {
    if (more.value) change({ [more.value]: NEW_SCORE });
  });

  function row(name, score) {
    const percent = make("output", { className: "number" });
    const range = make("input", { type: "range", min, max, step, value: score });
    range.setAttribute("aria-label", name);
    const draw = () => setText(percent, numberWords(words, setting, Number(range.value)));
    range.addEventListener("input", draw);
    range.addEventListener("change", () => change({ [name]: Number(range.value) }));
    const remove = make("button", { type: "button", textContent: "×" });
    remove.setAttribute("aria-label", words.say("control.masks.remove", { name }));
    remove.addEventListener("click", () => change({ [name]: null }));
    draw();
    return make("div", { className: "score" }, make("span", { textContent: name }), range, percent, remove);
  }

  return {
    element: make("details", {}, summary, control),
    control,
    show({ value }) {
      setText(summary, `${settingLabel(words, key)}: ${valueWords(words, { ...setting, value })}`);
      const names = Object.keys(value).sort();
      rows.replaceChildren(...names.map((name) => row(name, value[name])));
      const others = choices.filter((name) => !names.includes(name));
      more.replaceChildren(new Option("–", ""), ...others.map((name) => new Option(name, name)));
      more.disabled = others.length === 0;
    },
  };
}

// A number of kbit/s for each rendition. `change(renditions)` gets all of them.
export function renditions(setting, words, change, id) {
  const { key, min, max } = setting;
  let now = [];
  const element = make("fieldset", { id }, make("legend", { textContent: settingLabel(words, key) }));
  const fields = [];

  function field(at) {
    const control = make("input", { id: `${id}-${at}`, type: "number", inputMode: "numeric", min: min / 1000, max: max / 1000, step: 1 });
    control.addEventListener("change", () => {
      const bitrate = Math.round(Number(control.value) * 1000);
      if (bitrate > 0) change(now.map((one, index) => (index === at ? { ...one, bitrate_bps: bitrate } : one)));
    });
    const label = make("label", { htmlFor: control.id });
    element.append(make("div", { className: "bitrate" }, label, control, make("span", { textContent: "kbit/s" })));
    return { label, control };
  }

  return {
    element,
    control: element,
    show({ value }) {
      now = value;
      while (fields.length < value.length) fields.push(field(fields.length));
      value.forEach(({ height, fps, bitrate_bps }, at) => {
        setText(fields[at].label, `${height}p, ${fps}/s`);
        if (document.activeElement !== fields[at].control) fields[at].control.value = bitrate_bps / 1000;
      });
    },
  };
}
