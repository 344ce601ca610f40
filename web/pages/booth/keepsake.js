// What the visitor takes home of a result: the file that is saved and shared, how it looks, and its alternative text.

import { byId } from "../app/page.js";
import { download } from "./download.js";
import { styleTitle } from "./words.js";

// What a screen reader says of a result.
export function altWords(job, styles, words) {
  const style = styles.find(({ id, made_by }) => id === job.style && made_by === job.made_by);
  const title = styleTitle({ title: style?.title ?? job.style }, words);
  const made = words.say(`keepsake.alt.${job.photo_kind ?? "single"}`, { style: title });
  const date = new Date(job.created_at_unix_ms ?? Date.now()).toLocaleDateString(words.language, {
    dateStyle: "long",
  });
  return [made, job.event, date].filter(Boolean).join(", ");
}

// `ready` gets {blob, address, name}: the file, and what it is to be called. It is called at once with the result
// where that is the file, else when the file has arrived.
export function makeKeepsake({ ready }) {
  const figure = byId("keepsake");
  const picture = byId("keepsake-picture");
  let end = null; // of the running download
  let address = null; // of the file, in this page

  function leave() {
    end?.();
    end = null;
    if (address) URL.revokeObjectURL(address);
    address = null;
    figure.hidden = true;
    picture.removeAttribute("src");
  }

  return {
    leave,
    // `result`: {blob, address} of the result in this page.
    begin(job, result) {
      leave();
      const name = job.file_name ?? `carrier-${job.style}.jpg`;
      const isHere = !job.keepsake || job.keepsake === job.result || job.photo_kind === "boomerang";
      if (isHere) return ready({ ...result, name });
      // Until it has arrived here, the browser fetches it from the station.
      ready({ blob: null, address: `${job.keepsake}?download=1`, name });
      end = download(job.keepsake, ({ type, blob }) => {
        if (type !== "there") return;
        address = URL.createObjectURL(blob);
        picture.src = address;
        figure.hidden = false;
        ready({ blob, address, name });
      });
      return undefined;
    },
    describe(text) {
      picture.alt = text;
    },
  };
}
