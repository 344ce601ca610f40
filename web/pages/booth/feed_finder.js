// The viewfinder of the station's live picture: one still after the other. What is taken is the very
// still that was seen, to the last byte.

import { download } from "./download.js";

const STILL = new URL("../snapshot.jpg?boxes=0", import.meta.url);
const EVERY_MS = 200; // more would take the network from those who watch
const FAILURES_MOST = 3; // requests in a row, then there is nothing to see
const HIDDEN_MS = 1000; // between looks whether somebody sees it again

const byId = (id) => document.getElementById(id);

export function makeFeedFinder(stage) {
  const canvas = byId("live");
  let told = null; // {ready, lost}, while it is open
  let shown = null; // the still on the canvas
  let end = null; // of the running request
  let timer = 0;

  function next() {
    if (document.hidden) return void (timer = setTimeout(next, HIDDEN_MS));
    const mine = told;
    const askedAt = performance.now();
    let failures = 0;
    STILL.searchParams.set("t", String(Date.now()));
    end = download(STILL.href, async (event) => {
      if (event.type === "received") {
        if (event.retryAt === null || (failures += 1) < FAILURES_MOST) return;
      } else if (event.type === "there" && (await isShown(event.blob, mine))) {
        if (told === mine) timer = setTimeout(next, Math.max(askedAt + EVERY_MS - performance.now(), 0));
        return;
      }
      if (told === mine) mine.lost();
    });
  }

  async function isShown(blob, mine) {
    try {
      const bitmap = await createImageBitmap(blob);
      if (told !== mine) return true;
      const { width, height } = bitmap;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
      bitmap.close();
      stage.shape(width, height);
      canvas.hidden = false;
      shown = blob;
      mine.ready(true);
      return true;
    } catch {
      return false;
    }
  }

  return {
    open(events) {
      told = events;
      next();
    },
    shut() {
      told = null;
      shown = null;
      clearTimeout(timer);
      end?.();
      canvas.hidden = true;
    },
    grab: () => shown,
  };
}
