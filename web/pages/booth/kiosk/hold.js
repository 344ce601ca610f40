// A face that is held still works as a press of the button. Pure: `step(state, event, now)` gives the next state;
// times are in milliseconds of the caller's clock.

export const HOLD_MS = 3000;
const GAP_MS = 600; // a face may be missed for this long
const RARE_MS = 1600; // a slow machine may detect this rarely
const AWAY_MS = 1500; // a press needs a face that has come since, or a visitor who leaves would begin again
const LEAST_HEIGHT = 0.1; // of the picture: smaller faces are further away than visitors
const MOVE_MAX = 0.35; // of the face's height, from where it was first seen
const GROWTH_MAX = 1.35; // of its height

export function initial({ armed }) {
  return {
    armed,
    awaySince: null, // since when there is no face, while it is not armed
    face: null, // where it was when it was first seen still
    since: null,
    seenAt: null,
    pressed: false,
  };
}

// Event: `faces` of faces.js. `pressed` is true for one step.
export function step(state, faces, now) {
  const face = nearest(faces);
  if (!state.armed) {
    if (face) return { ...state, pressed: false, awaySince: null };
    const awaySince = state.awaySince ?? now;
    return now - awaySince >= AWAY_MS ? initial({ armed: true }) : { ...state, pressed: false, awaySince };
  }
  if (!face) {
    const isGap = state.seenAt !== null && now - state.seenAt < GAP_MS;
    return isGap ? { ...state, pressed: false } : initial({ armed: true });
  }
  const isSame = state.face !== null && now - state.seenAt < RARE_MS && isStill(state.face, face);
  if (!isSame) return { ...initial({ armed: true }), face, since: now, seenAt: now };
  if (now - state.since >= HOLD_MS) return { ...initial({ armed: false }), pressed: true };
  return { ...state, seenAt: now, pressed: false };
}

// How much of the time has passed, 0 to 1.
export function progress({ since }, now) {
  return since === null ? 0 : Math.min((now - since) / HOLD_MS, 1);
}

function nearest(faces) {
  const near = faces.filter((face) => height(face) >= LEAST_HEIGHT);
  return near.reduce((one, other) => (one && height(one) >= height(other) ? one : other), null);
}

function isStill(before, face) {
  const move = Math.hypot(middle(face).x - middle(before).x, middle(face).y - middle(before).y);
  const growth = height(face) / height(before);
  return move <= MOVE_MAX * height(before) && growth <= GROWTH_MAX && growth >= 1 / GROWTH_MAX;
}

function height({ y1, y2 }) {
  return y2 - y1;
}

function middle({ x1, y1, x2, y2 }) {
  return { x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}
