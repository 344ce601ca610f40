// The settings: fetched, shown as fields, changed one request after the other, and kept in the file.

import { byId, setText } from "../app/page.js";
import { ask } from "./api.js";
import { makeField, shapeOf } from "./fields.js";
import { make } from "./make.js";
import { changedKeys, isIn, merged, ownerOf, patchOf, unkept } from "./patch.js";
import { makeWifi } from "./wifi.js";
import { failureWords, settingLabel, valueWords } from "./words.js";

const PATH = "api/settings";
const TIMEOUT_MS = 30000; // a model is loaded meanwhile
const BRIEF = { isBrief: true };

// The order of the settings on the page; others follow as the station lists them.
const ORDER = ["source", "model", "privacy.mode", "classes", "min_score", "class_scores", "min_size", "detect_fps", "detect_when", "boxes", "labels", "camera_names", "zone_outlines", "name", "public_url", "renditions"];

// Where a setting stands on the page, by the start of its key; the last entry takes the rest.
const PLACES = [
  ["privacy.mode", "set-privacy"],
  ["privacy.masks", null], // masks.js shows them
  ["zones", null], // zones.js shows them
  ["privacy.", "set-privacy-more"],
  ["source", "source-fields"],
  ["camera.controls", null], // camera.js shows them
  ["cameras", null], // and these
  ["camera_names", "set-detection"],
  ["camera.", "source-fields"],
  ["model", "model-fields"],
  ["classes", "set-detection"],
  ["min_score", "set-detection"],
  ["class_scores", "set-detection"],
  ["min_size", "set-detection"],
  ["zone_outlines", "set-detection"],
  ["detect_fps", "set-detection"],
  ["detect_when", "set-detection"],
  ["boxes", "set-detection"],
  ["labels", "set-detection"],
  ["power.", "set-power"],
  ["wifi.", null], // the form of the Wi-Fi shows it
  ["network.prefer", null], // network.js shows it
  ["booth.", "set-booth"],
  ["play.", "set-games"],
  ["counting.", "set-counting"],
  ["", "set-more"],
];

// `tell(text)` shows and speaks a message; `editors` are those of polygons; `answered(answer)` is told of every answer,
// `applied(keys)` of the settings that were changed here.
export function makeSettings({ words, editors, tell, answered, applied }) {
  let settings = [];
  let etag = null;
  let pending = null; // the merge patch of changes that wait for a running request
  let isSending = false;
  let serial = 0; // of the requests that change something
  const fields = new Map(); // by key: {field, shape}
  const choiceNames = new Map(); // by key: {choice: text}

  const wifi = makeWifi({ words, change });

  const labels = (keys) => keys.map((key) => settingLabel(words(), key)).join(", ");

  function take(answer) {
    const before = settings;
    const rank = ({ key }) => (ORDER.indexOf(key) + 1 || Infinity);
    settings = [...answer.data.settings].sort((a, b) => Math.sign(rank(a) - rank(b)) || 0);
    etag = answer.etag;
    draw(answer.data.saved_to);
    return changedKeys(before, settings);
  }

  let savedTo = null;

  function draw(place = savedTo) {
    savedTo = place;
    const there = new Set(settings.map(({ key }) => key));
    for (const [key, { field }] of fields) {
      if (there.has(key)) continue;
      field.element.remove();
      fields.delete(key);
    }
    for (const setting of settings) show(setting);
    for (const [, id] of PLACES) if (id) byId(id).hidden = byId(id).childElementCount === 0;
    drawUnkept();
    for (const editor of editors) editor.show(settings.find(({ key }) => key === editor.key) ?? null);
    if (settings.length > 0) wifi.show(settings);
  }

  function show(plain) {
    const setting = named(plain);
    const place = PLACES.find(([start]) => setting.key.startsWith(start))[1];
    if (!place || isLeftOut(setting.key)) return;
    const shape = shapeOf(setting);
    const known = fields.get(setting.key);
    // A list that somebody has opened is not exchanged.
    const isInUse = known?.field.element.contains(document.activeElement);
    if (known && (known.shape === shape || isInUse)) {
      known.field.show(setting);
      return;
    }
    const field = makeField(setting, words(), (value) => change(setting.key, value));
    if (!field) return;
    if (known) known.field.element.replaceWith(field.element);
    else byId(place).append(field.element);
    fields.set(setting.key, { field, shape });
    field.show(setting);
  }

  // Cameras with names have a mounting of their own, which camera.js shows; without one, no name is painted.
  function isLeftOut(key) {
    const cameras = settings.find((setting) => setting.key === "cameras")?.value ?? {};
    const hasNames = Object.keys(cameras).length > 0;
    return hasNames ? key.startsWith("camera.") : key === "camera_names";
  }

  // With what the choices are called, if that is known.
  function named(setting) {
    const names = choiceNames.get(setting.key);
    if (!names) return setting;
    // What is in use is among the choices, whatever was found.
    const choices = new Set([...(setting.choices ?? []), setting.value]);
    return { ...setting, names, choices: [...choices] };
  }

  function drawUnkept() {
    const differing = unkept(settings);
    const line = (setting) => {
      const values = { name: settingLabel(words(), setting.key), value: valueWords(words(), setting), usual: valueWords(words(), setting, setting.default) };
      return make("li", { textContent: words().say("control.keep.line", values) });
    };
    byId("unkept").replaceChildren(...differing.map(line));
    byId("keep-settings").disabled = differing.length === 0;
    const said = differing.length > 0 ? words().say("control.keep.some", { count: differing.length }) : words().say("control.keep.none");
    setText(byId("keep-state"), said);
    setText(byId("keep-place"), savedTo ? words().say("control.keep.place", { place: savedTo }) : words().say("control.keep.nowhere"));
  }

  function change(key, value) {
    fault(key, "");
    pending = pending === null ? patchOf(key, value) : merged(pending, patchOf(key, value));
    send();
  }

  // One request at a time, because each needs the tag of the one before.
  async function send() {
    if (isSending || pending === null) return;
    const patch = pending;
    pending = null;
    const answer = await patchStation(patch, PATH);
    if (answer.status === 200) {
      if (patch.wifi) wifi.applied();
      const changed = take(answer);
      if (changed.includes("privacy.mode")) tell(words().say("control.mode.now", { mode: shownValue("privacy.mode") }), BRIEF);
      for (const editor of editors) if (isIn(patch, editor.key)) editor.applied();
      applied(changed);
    } else refused(answer);
    answered(answer);
    send();
  }

  async function patchStation(patch, path) {
    isSending = true;
    serial += 1;
    const headers = etag ? { "If-Match": etag } : {};
    const answer = await ask("PATCH", path, { body: patch, headers, timeoutMs: TIMEOUT_MS });
    serial += 1;
    isSending = false;
    return answer;
  }

  function shownValue(key) {
    return valueWords(words(), settings.find((setting) => setting.key === key));
  }

  async function refused(answer) {
    const owner = answer.status === 422 ? ownerOf(settings, answer.data?.key) : null;
    if (answer.status === 412) {
      pending = null;
      const tag = etag;
      await load({ isConflict: true });
      if (etag === tag) tell(failureWords(words(), answer));
    } else if (owner) {
      const text = answer.data.detail;
      fault(owner.key, text);
      tell(words().say("control.refused", { name: settingLabel(words(), owner.key), detail: text }), { isShown: false });
    } else tell(failureWords(words(), answer));
    // Nothing was applied: the choices go back to the station's values.
    draw();
  }

  function fault(key, text) {
    const editor = editors.find((one) => one.key === key);
    if (editor) editor.fault(text);
    else if (wifi.owns(key)) wifi.fault(text);
    else fields.get(key)?.field.fault(text);
  }

  // An answer that was on its way while something was changed is outdated. `isConflict`: a change was refused, because
  // the settings had changed before.
  async function load({ isConflict = false } = {}) {
    const mine = serial;
    const answer = await ask("GET", PATH);
    if (answer.status !== 200 || mine !== serial || isSending || answer.etag === etag) return answer;
    const isFirst = etag === null;
    const changed = take(answer);
    if (!isFirst && (isConflict || changed.length > 0)) tell(words().say("control.others", { names: labels(changed) || "–" }));
    return answer;
  }

  byId("keep-settings").addEventListener("click", async () => {
    if (isSending) return;
    const answer = await patchStation({}, `${PATH}?save=true`);
    if (answer.status === 200) {
      take(answer);
      tell(words().say("control.keep.done"), BRIEF);
    } else refused(answer);
    answered(answer);
    send();
  });

  return {
    load,
    change,
    // What the choices of a setting are called.
    name(key, names) {
      choiceNames.set(key, names);
      const setting = settings.find((one) => one.key === key);
      if (setting) show(setting);
    },
    get: (key) => settings.find((setting) => setting.key === key) ?? null,
    // In another language.
    reworded() {
      for (const { field } of fields.values()) field.element.remove();
      fields.clear();
      draw();
    },
    forget() {
      etag = null;
      settings = [];
      pending = null;
      draw();
    },
  };
}
