// Downloads a picture until it is one: some networks answer requests with a page of their own.

import { waitMs } from "../app/backoff.js";
import { download } from "./download.js";

// As download(), but "there" has a picture that the browser can show.
export function downloadPicture(address, tell, headers = {}) {
  let stop = null;
  let timer = 0;
  let failures = 0;
  let ended = false;

  function begin() {
    stop = download(address, async (event) => {
      if (event.type !== "there") return tell(event);
      const shown = await isPicture(event.blob);
      if (ended) return undefined;
      if (shown) return tell(event);
      failures += 1;
      const wait = waitMs(failures);
      timer = setTimeout(begin, wait);
      return tell({ type: "received", received: 0, total: null, retryAt: performance.now() + wait });
    }, headers);
  }

  begin();
  return () => {
    ended = true;
    clearTimeout(timer);
    stop();
  };
}

async function isPicture(blob) {
  try {
    (await createImageBitmap(blob)).close();
    return true;
  } catch {
    return false;
  }
}
