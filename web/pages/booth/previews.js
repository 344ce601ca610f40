// The visitor's own picture in each style, on the cards of the styles that the station makes itself. Until it is
// there, and where it cannot be made, the cards show their examples.

import { retryAfterMs, sleep } from "../app/backoff.js";
import { drawn, within } from "./photo.js";

const ADDRESS = "api/styles/previews";
const LONGEST_PX = 640;
const ATTEMPTS_MAX = 2; // others may be choosing a style at this moment
const AGAIN_MS = 4000;

// In the station's answer, each picture below the other.
export const WIDTH_PX = 288;
export const HEIGHT_PX = 216;

// {styles, portrait} from the headers of an answer: the ids from the top, and the crop {left, top, width, height}
// in fractions of the picture, or null.
export function readHeaders(headers) {
  const styles = (headers.get("Carrier-Styles") ?? "").split(",").filter(Boolean);
  const numbers = (headers.get("Carrier-Portrait") ?? "").split(",").map(Number);
  const [left, top, width, height] = numbers;
  const isArea = numbers.length === 4 && numbers.every((n) => n >= 0 && n <= 1) && width > 0 && height > 0;
  return { styles, portrait: isArea ? { left, top, width, height } : null };
}

// `found(photo, area)` is told where the portrait in a photo is, or null.
export function makePreviews({ group, found }) {
  let photo = null;
  let request = null; // its AbortController
  let sheet = null; // {bitmap, styles}

  function begin(next) {
    end();
    photo = next;
    if (!photo) return;
    request = new AbortController();
    load(photo, request.signal).catch(() => {});
  }

  function end() {
    request?.abort();
    sheet?.bitmap.close();
    photo = request = sheet = null;
    for (const own of group.querySelectorAll(".own")) own.remove();
  }

  async function load(blob, signal) {
    const body = await small(blob);
    const answer = await post(body, signal);
    if (!answer) return;
    const { styles, portrait } = readHeaders(answer.headers);
    const bitmap = await createImageBitmap(await answer.blob());
    if (signal.aborted) return bitmap.close();
    sheet = { bitmap, styles };
    found(blob, portrait);
    place();
  }

  async function post(body, signal) {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(ADDRESS, { method: "POST", body, signal });
      if (answer.status === 200) return answer;
      const wait = retryAfterMs(answer.headers.get("Retry-After"));
      if (attempt === ATTEMPTS_MAX || !wait) return null;
      await sleep(Math.min(wait, AGAIN_MS));
      if (signal.aborted) return null;
    }
  }

  // On cards that have none yet: they are drawn anew when the styles on offer change.
  function place() {
    for (const card of group.querySelectorAll('.card[data-made-by="laptop"]:not(:has(.own))')) {
      const at = sheet?.styles.indexOf(card.querySelector("input").value) ?? -1;
      if (at >= 0) card.querySelector(".example").before(cut(sheet.bitmap, at));
    }
  }

  return {
    // `next`: the photo whose style is being chosen, or null; `offer`: the answer of /api/styles.
    show(next, offer) {
      const makesSome = offer?.styles.some(({ made_by }) => made_by === "laptop");
      if (next !== photo && (!next || makesSome)) begin(next);
      place();
    },
  };
}

async function small(blob) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  try {
    return await drawn(bitmap, within(bitmap, LONGEST_PX));
  } finally {
    bitmap.close();
  }
}

function cut(bitmap, at) {
  const canvas = Object.assign(document.createElement("canvas"), {
    className: "example own",
    width: WIDTH_PX,
    height: HEIGHT_PX,
  });
  canvas.setAttribute("aria-hidden", "true"); // as the example, whose text is the title
  canvas.getContext("2d").drawImage(bitmap, 0, at * HEIGHT_PX, WIDTH_PX, HEIGHT_PX, 0, 0, WIDTH_PX, HEIGHT_PX);
  return canvas;
}
