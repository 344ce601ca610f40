// The offer to crop a picture with one face to a portrait, and to take that back.

import { byId, setText } from "../app/page.js";
import { drawn } from "./photo.js";

// The pixels of an area that is in fractions of a picture. Pure.
export function cropOf({ left, top, width, height }, picture) {
  const x = Math.min(Math.round(left * picture.width), picture.width - 1);
  const y = Math.min(Math.round(top * picture.height), picture.height - 1);
  return {
    x,
    y,
    width: Math.max(Math.min(Math.round(width * picture.width), picture.width - x), 1),
    height: Math.max(Math.min(Math.round(height * picture.height), picture.height - y), 1),
  };
}

// `set(photo)` makes a photo the one to be stylised.
export function makePortrait({ set }) {
  const button = byId("crop");
  let whole = null; // the photo that can be cropped
  let area = null;
  let portrait = null; // the photo that was cropped
  let photo = null; // the present one

  button.addEventListener("click", async () => {
    if (photo === portrait) return set(whole);
    const of = photo;
    const made = portrait ?? (await cropped(whole, area).catch(() => null));
    if (!made || photo !== of) return undefined;
    portrait = made;
    return set(portrait);
  });

  return {
    // `where`: the portrait in `of`, or null.
    offer(of, where) {
      if (of !== photo || of === portrait) return;
      if (of !== whole) portrait = null;
      [whole, area] = [of, where];
      button.hidden = !where;
    },
    // `next`: the photo whose style is being chosen, or null.
    show(next, words) {
      photo = next;
      if (photo !== whole && photo !== portrait) whole = area = portrait = null;
      button.hidden = !photo || !area;
      setText(button, words.say(photo && photo === portrait ? "style.whole" : "style.portrait"));
    },
  };
}

async function cropped(blob, area) {
  const whole = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const { x, y, width, height } = cropOf(area, whole);
  const part = await createImageBitmap(whole, x, y, width, height);
  whole.close();
  try {
    return await drawn(part, part);
  } finally {
    part.close();
  }
}
