// The masks: parts of the picture that are always filled, edited over the live picture.

import { byId } from "../app/page.js";
import { makePolygonEditor } from "./polygon_editor.js";

const NAME_MAX = 60;

export function makeMasks(page) {
  return makePolygonEditor({
    ...page,
    key: "privacy.masks",
    texts: "control.masks",
    longestName: NAME_MAX,
    parts: {
      details: byId("masks"),
      shapes: byId("mask-shapes"),
      points: byId("mask-points"),
      how: byId("mask-how"),
      list: byId("mask-list"),
      more: byId("mask-more"),
      fewer: byId("mask-fewer"),
      add: byId("mask-add"),
      apply: byId("mask-apply"),
      discard: byId("mask-discard"),
      count: byId("mask-count"),
      state: byId("mask-state"),
      fault: byId("mask-fault"),
    },
  });
}
