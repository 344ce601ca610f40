// The controls of the open camera, as fields. The station keeps them as one setting; a camera that has a name has a setting
// of its own, with its mounting.

import { byId, setText } from "../app/page.js";
import { makeField, shapeOf } from "./fields.js";

const CONTROLS = "camera.controls";
const MOUNTING = [
  { key: "mirror", kind: "flag" },
  { key: "rotation", kind: "number", min: 0, max: 270, step: 90 },
];

// `change(key, value)` sends a value of one control.
export function makeCamera({ words, change }) {
  const fields = new Map(); // by key: {field, shape}
  let name = null; // of the selected camera, if it has one

  // The setting that a field changes.
  function settingOf(key) {
    if (name === null) return CONTROLS;
    return MOUNTING.some((one) => one.key === key) ? `cameras.${name}` : `cameras.${name}.controls`;
  }

  function show({ camera, device, problems, ...report }) {
    name = camera ?? null;
    const mounting = name === null ? [] : MOUNTING.map((one) => ({ ...one, value: report[one.key], is_active: true, is_read_only: false }));
    const controls = [...mounting, ...report.controls];
    byId("camera").hidden = controls.length === 0;
    setText(byId("camera-name"), [name, device].filter((one) => one !== null).join(": "));
    const keys = new Set(controls.map(({ key }) => key));
    for (const [key, { field }] of fields) {
      if (keys.has(key)) continue;
      field.element.remove();
      fields.delete(key);
    }
    for (const control of controls) showControl(control);
    byId("camera-fault").hidden = problems.length === 0;
    setText(byId("camera-fault"), problems.join(" "));
  }

  function showControl({ is_active, is_read_only, ...control }) {
    const setting = { ...control, key: `${CONTROLS}.${control.key}` };
    const shape = shapeOf(setting);
    const known = fields.get(control.key);
    let field = known?.field;
    if (known?.shape !== shape) {
      field = makeField(setting, words(), (value) => change(settingOf(control.key), { [control.key]: value }));
      if (known) known.field.element.replaceWith(field.element);
      else byId("camera-controls").append(field.element);
      fields.set(control.key, { field, shape });
    }
    field.show(setting);
    field.enable(is_active && !is_read_only);
  }

  return {
    show,
    forget() {
      fields.clear();
      byId("camera-controls").replaceChildren();
      byId("camera").hidden = true;
    },
  };
}
