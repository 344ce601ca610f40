// Draws the panels of a layout. All numbers are pixels of the display, as the station computed them.

// Whether two layouts look alike.
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// Where the feed is, in CSS pixels; null: nowhere.
export function feedStyle({ feed }, pixelRatio) {
  if (!feed) return null;
  const px = (length) => `${length / pixelRatio}px`;
  return { left: px(feed.x), top: px(feed.y), width: px(feed.width), height: px(feed.height) };
}

export function drawPanels(context, { panels }) {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  for (const { area, ground, items } of panels) {
    context.save();
    context.translate(area.x, area.y);
    context.beginPath();
    context.rect(0, 0, area.width, area.height);
    context.clip();
    context.fillStyle = ground;
    context.fillRect(0, 0, area.width, area.height);
    for (const item of items) DRAW[item.kind]?.(context, item);
    context.restore();
  }
}

const DRAW = {
  text(context, { x, baseline, size_px, width_px, text, colour }) {
    context.fillStyle = colour;
    context.font = `500 ${size_px}px system-ui, sans-serif`;
    context.textBaseline = "alphabetic";
    // The station measured with its own font: a wider one is squeezed.
    context.fillText(text, x, baseline, Math.ceil(width_px));
  },
  fill(context, { area, colour }) {
    context.fillStyle = colour;
    context.fillRect(area.x, area.y, area.width, area.height);
  },
  code(context, { x, y, module_px, rows }) {
    context.fillStyle = "#000";
    rows.forEach((row, down) => {
      for (const { start, length } of darkRuns(row)) {
        context.fillRect(x + start * module_px, y + down * module_px, length * module_px, module_px);
      }
    });
  },
};

// Runs of dark modules in a row of a code, as {start, length}.
export function darkRuns(row) {
  return [...row.matchAll(/1+/g)].map(({ index: start, 0: run }) => ({ start, length: run.length }));
}
