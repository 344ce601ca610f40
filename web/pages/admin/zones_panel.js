// The panel of the zones; their editor is loaded when the panel is opened first.

import { byId, setText } from "../app/page.js";

// `cameraNames()`: of the cameras that a zone may be for.
export function makeZonesPanel({ words, tell, ...page }) {
  const panel = byId("zones");
  let editor = null;
  let setting = null;

  async function load() {
    if (editor || !panel.open) return;
    try {
      const { makeZones } = await import("./zones.js");
      editor ??= makeZones({ words, tell, ...page, panel });
      editor.show(setting);
      editor.toggled();
    } catch {
      panel.open = false;
      tell(words().say("control.failed.unanswered"));
    }
  }

  panel.addEventListener("toggle", load);

  return {
    key: "zones",
    show(next) {
      setting = next;
      panel.hidden = !next;
      setText(byId("zone-count"), words().say("control.zones.count", { count: next?.value.length ?? 0 }));
      editor?.show(next);
    },
    fault: (text) => editor?.fault(text),
    applied: () => editor?.applied(),
    reworded: () => editor?.reworded(),
  };
}
