// Form fields for settings, by their kind. A field is made once and then shows the values that the station has; what
// somebody types is left alone until it is sent.

import { setText } from "../app/page.js";
import { renditions, scores } from "./compound_fields.js";
import { make } from "./make.js";
import { toggled } from "./patch.js";
import { choiceHelp, choiceLabel, numberWords, scaleOf, settingLabel, valueWords } from "./words.js";

const RADIOS_MAX = 5; // more choices are a list
const RANGE_STEPS_MAX = 400; // more steps are a field for a number

const idOf = (key) => `set-${key.replaceAll(".", "-")}`;

// A field of another shape is needed when these change.
export function shapeOf({ key, kind, choices, names, min, max, step, unit }) {
  return JSON.stringify([key, kind, choices, names, min, max, step, unit]);
}

// {element, show(setting), fault(text)}; null for a kind without a field. `change(value)` is called with what
// somebody chose, `words` are those of language.js.
export function makeField(setting, words, change) {
  const maker = MAKERS[setting.kind];
  if (!maker) return null;
  const id = idOf(setting.key);
  const { element, show, control } = maker(setting, words, change, id);
  const isText = control.matches("input[type=text], input[type=number]");
  const origin = make("p", { className: "small origin" });
  const fault = make("p", { className: "fault", id: `${id}-fault`, hidden: true });
  element.classList.add("field");
  element.dataset.key = setting.key;
  element.append(origin, fault);
  return {
    element,
    show(next) {
      // A refused text stays, so that it can be corrected; a refused choice goes back.
      if (fault.hidden || !isText) show(next);
      const key = `control.origin.${next.origin}`;
      setText(origin, words.knows(key) ? words.say(key) : "");
      origin.hidden = origin.textContent === "";
    },
    enable(isEnabled) {
      for (const input of element.querySelectorAll("input, select")) input.disabled = !isEnabled;
    },
    fault(text) {
      fault.textContent = text;
      fault.hidden = !text;
      if (text) {
        control.setAttribute("aria-invalid", "true");
        control.setAttribute("aria-describedby", fault.id);
      } else {
        control.removeAttribute("aria-invalid");
        control.removeAttribute("aria-describedby");
      }
    },
  };
}

const MAKERS = { choice, number, flag, text, list, scores, renditions };

function choice(setting, words, change, id) {
  return setting.names || (setting.choices ?? []).length > RADIOS_MAX ? select(setting, words, change, id) : radios(setting, words, change, id);
}

function radios({ key, choices = [] }, words, change, id) {
  const inputs = choices.map((value) => make("input", { type: "radio", name: id, value }));
  const options = inputs.map((input) => {
    const help = choiceHelp(words, key, input.value);
    const lines = [make("b", { textContent: choiceLabel(words, key, input.value) })];
    if (help) lines.push(make("small", { textContent: help }));
    input.addEventListener("change", () => change(input.value));
    return make("label", { className: "option" }, input, make("span", {}, ...lines));
  });
  const element = make("fieldset", {}, make("legend", { textContent: settingLabel(words, key) }), ...options);
  element.setAttribute("role", "radiogroup");
  return {
    element,
    control: element,
    show({ value }) {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}

function select({ key, choices, names = {} }, words, change, id) {
  const option = (value) => new Option(names[value] ?? choiceLabel(words, key, value), value);
  const control = make("select", { id }, ...choices.map(option));
  control.addEventListener("change", () => change(control.value));
  return { ...labelled(words, key, id, control), show: ({ value }) => (control.value = value) };
}

function labelled(words, key, id, control, ...more) {
  const label = make("label", { htmlFor: id, textContent: settingLabel(words, key) });
  return { element: make("div", {}, label, control, ...more), control };
}

function number(setting, words, change, id) {
  const { key, min, max, step } = setting;
  const { factor, unit, digits } = scaleOf(setting);
  const scaled = (value) => Number((value / factor).toFixed(6));
  // A part of one has steps of a percent; of other numbers the station says the step.
  const by = step ?? (unit === "%" ? factor : 0);
  const isRange = (max - min) / by <= RANGE_STEPS_MAX;
  const control = make("input", { id, type: isRange ? "range" : "number", inputMode: "decimal" });
  if (min !== undefined) control.min = scaled(min);
  if (max !== undefined) control.max = scaled(max);
  control.step = isRange ? scaled(by) : "any";
  const shown = make("output", { className: "number", htmlFor: id });
  // Divided before and multiplied now: the rounding must not add digits.
  const given = () => Number((Number(control.value) * factor).toPrecision(10));
  let isTyped = false;
  const draw = (value = given()) => setText(shown, isRange ? numberWords(words, setting, value) : unit);
  control.addEventListener("input", () => {
    isTyped = true;
    draw();
  });
  control.addEventListener("change", () => {
    isTyped = false;
    if (control.value !== "") change(given());
  });
  return {
    ...labelled(words, key, id, control, shown),
    show({ value }) {
      if (isTyped) return;
      control.value = isRange ? scaled(value) : String(Number(scaled(value).toFixed(Math.max(digits, 3))));
      draw(value);
    },
  };
}

function flag({ key }, words, change, id) {
  const control = make("input", { id, type: "checkbox" });
  control.addEventListener("change", () => change(control.checked));
  const label = make("label", { className: "tick", htmlFor: id }, control, settingLabel(words, key));
  return { element: make("div", {}, label), control, show: ({ value }) => (control.checked = value) };
}

// An empty text is no text, where the station has that.
function text({ key, max, default: usual }, words, change, id) {
  const control = make("input", { id, type: "text", autocomplete: "off" });
  if (max) control.maxLength = max;
  const given = (value) => change(value === "" && usual === null ? null : value);
  return { ...typed(control, given, (value) => value ?? ""), ...labelled(words, key, id, control) };
}

// {show}: a field whose text is sent when somebody has finished it, and that is not overwritten before.
function typed(control, change, textOf) {
  let isTyped = false;
  control.addEventListener("input", () => (isTyped = true));
  control.addEventListener("change", () => {
    isTyped = false;
    change(control.value);
  });
  return {
    show({ value }) {
      if (!isTyped) control.value = textOf(value);
    },
  };
}

function list(setting, words, change, id) {
  if (setting.choices) return chips(setting, words, change, id);
  const control = make("input", { id, type: "text", autocomplete: "off" });
  const parts = (value) => value.split(",").map((part) => part.trim()).filter(Boolean);
  const { key } = setting;
  return { ...typed(control, (value) => change(parts(value)), (value) => value.join(", ")), ...labelled(words, key, id, control) };
}

// A chip for each name, and one for all: an empty list means everything.
function chips(setting, words, change, id) {
  const { key, choices, names = {} } = setting;
  let now = [];
  // A second press may come before the answer to the first.
  const pick = (value) => {
    draw(value);
    change(value);
  };
  const chip = (textContent, pressed) => {
    const button = make("button", { type: "button", className: "chip", textContent });
    button.addEventListener("click", pressed);
    return button;
  };
  const all = chip(words.say("control.everything"), () => pick([]));
  const each = choices.map((name) => chip(names[name] ?? name, () => pick(toggled(now, name, choices))));
  const control = make("div", { className: "chips", id }, all, ...each);
  control.setAttribute("role", "group");
  control.setAttribute("aria-label", settingLabel(words, key));
  const summary = make("summary");
  function draw(value) {
    now = value;
    setText(summary, `${settingLabel(words, key)}: ${valueWords(words, { ...setting, value })}`);
    all.setAttribute("aria-pressed", String(value.length === 0));
    each.forEach((button, at) => button.setAttribute("aria-pressed", String(value.includes(choices[at]))));
  }
  return {
    element: make("details", {}, summary, control),
    control,
    show: ({ value }) => draw(value),
  };
}
