// Where the labels of boxes are, as detector/src/overlay/label_position.rs places the painted ones, which they cover. Pure.

// So much room a label needs to leave its place, so that it does not jump while its box jitters.
const SLACK_PX = 4;

// `requests`: {id, box: {left, top, right, bottom}, width, height}; `bounds`: {width, height}, all in pixels;
// `before`: a Map from ids to the sides of the labels before. Gives {id, side, x, y} for each label that covers no other
// one, in the same order.
export function labelPositions(requests, bounds, before) {
  const placed = [];
  for (const request of requests) {
    const side = sidesOf(request).find((one) => {
      const slack = (before.get(request.id) ?? one) === one ? 0 : SLACK_PX;
      const { y } = at(request, one, bounds);
      const isWithin = y - slack >= 0 && y + request.height + slack <= bounds.height;
      return isWithin && placed.every((other) => !overlaps(at(request, one, bounds), request, other, slack));
    });
    if (side) placed.push({ id: request.id, side, ...at(request, side, bounds), width: request.width, height: request.height });
  }
  return placed.map(({ id, side, x, y }) => ({ id, side, x, y }));
}

// A label inside a low box would cover it.
function sidesOf({ box, height }) {
  const isLow = box.bottom - box.top < 2 * height;
  return isLow ? ["above", "below", "inside"] : ["above", "inside", "below"];
}

function at({ box, width, height }, side, bounds) {
  const y = { above: box.top - height, inside: box.top, below: box.bottom }[side];
  return { x: Math.max(Math.min(box.left, bounds.width - width), 0), y };
}

function overlaps({ x, y }, { width, height }, other, slack) {
  const isBeside = x + width + slack <= other.x || other.x + other.width + slack <= x;
  const isApart = y + height + slack <= other.y || other.y + other.height + slack <= y;
  return !isBeside && !isApart;
}
