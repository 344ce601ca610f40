// Looking at the page as a person would: what moves, what colours there are, what it says.

export function stateIs(page, name, timeout = 10000) {
  return page.waitForSelector(`:root[data-state="${name}"]`, { timeout, state: "attached" });
}

export function visibleText(page, selector) {
  return page.evaluate((s) => {
    const shown = [...document.querySelectorAll(s)].filter((e) => e.checkVisibility());
    return shown.map((e) => e.innerText.replace(/\s+/g, " ").trim()).join(" ");
  }, selector);
}

// Watches the live video: [{produced_ms, shown_ms, seen_ms, sent_ms}] for each picture; produced_ms
// is null where no timecode could be read. All in Unix milliseconds.
//   shown_ms   when the browser expected the picture to light up, or saw it if that was later
//   seen_ms    when the page was told of it
//   sent_ms    when it was handed to the compositor
export function watchPictures(page, forMs) {
  return page.evaluate(async (duration) => {
    const { makeReader } = await import("/app/timecode.js");
    const read = makeReader();
    const video = document.querySelector("#video");
    const pictures = [];
    const until = performance.now() + duration;
    await new Promise((done) => {
      const timer = setTimeout(done, duration + 500);
      const next = (now, metadata) => {
        // On a busy machine the callback comes late, and by then shows a later picture than the
        // one it tells of: the picture that is read is never older than this moment.
        const seen = performance.now();
        const shown = Math.max(metadata.expectedDisplayTime, seen);
        pictures.push({
          produced_ms: read(video),
          shown_ms: performance.timeOrigin + shown,
          seen_ms: performance.timeOrigin + seen,
          sent_ms: performance.timeOrigin + metadata.presentationTime,
        });
        if (now < until) return video.requestVideoFrameCallback(next);
        clearTimeout(timer);
        return done();
      };
      video.requestVideoFrameCallback(next);
    });
    return pictures;
  }, forMs);
}

// The mean colour [r, g, b] around each point of the picture, in the picture's own pixels of a
// 1280 wide one. `from` is "video", or the address of a picture.
export function coloursAt(page, points, from = "video", reach = 6) {
  return page.evaluate(
    async ([places, source, around]) => {
      let picture = document.querySelector("#video");
      if (source !== "video") {
        picture = await createImageBitmap(await (await fetch(source)).blob());
      }
      const width = picture.videoWidth ?? picture.width;
      const height = picture.videoHeight ?? picture.height;
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(picture, 0, 0);
      const scale = width / 1280;
      return places.map(({ x, y }) => {
        const side = Math.max(Math.round(around * 2 * scale), 1);
        const left = Math.round(x * scale - side / 2);
        const top = Math.round(y * scale - side / 2);
        const { data } = context.getImageData(left, top, side, side);
        const sum = [0, 0, 0];
        for (let at = 0; at < data.length; at += 4) {
          for (const channel of [0, 1, 2]) sum[channel] += data[at + channel];
        }
        return sum.map((value) => Math.round(value / (data.length / 4)));
      });
    },
    [points, from, reach],
  );
}

export function furthest(one, other) {
  return Math.max(...one.map((value, channel) => Math.abs(value - other[channel])));
}

export function percentile(values, share) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
}

// Milliseconds between the page's own marks.
export async function marks(page) {
  const all = await page.evaluate(() =>
    performance.getEntriesByType("mark").map(({ name, startTime }) => [name, startTime]),
  );
  // The newest of each name: a page that connected again has several.
  const at = Object.fromEntries(all);
  return {
    post: at["carrier:post"],
    join_ms: at["carrier:picture"] - at["carrier:post"],
    answer_to_picture_ms: at["carrier:picture"] - at["carrier:answer"],
  };
}
