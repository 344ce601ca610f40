// The controls of the open camera, as fields. The station keeps them as one setting.

import { byId, setText } from "../app/page.js";
import { makeField, shapeOf } from "./fields.js";

export const CONTROLS = "camera.controls";

// `change(key, value)` sends a value of one control.
export function makeCamera({ words, change }) {
  const fields = new Map(); // by key: {field, shape}

  function show({ device, controls, problems }) {
    byId("camera").hidden = device === null || controls.length === 0;
    setText(byId("camera-name"), device ?? "");
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
      field = makeField(setting, words(), (value) => change(CONTROLS, { [control.key]: value }));
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
