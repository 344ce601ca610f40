import { stateIs } from "../harness/eyes.mjs";
import { status } from "../harness/peers.mjs";

export const title = "boxes are painted where the tracks are";

// A box is found where the painted picture differs from the clean one near most of the box's outline.
const NEAR_PX = 8;
const DIFFERENT = 40;
const LEAST_SHARE = 0.6;
const LOOKS = 5;

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  const { detector } = await status(page);
  if (detector.state !== "running") return t.skip(`no detector (${detector.state})`);

  const event = await nextTracks(page);
  t.check("tracks are sent as events", event !== null);
  if (!event) return undefined;
  const age = Date.now() - event.captured_at_ms;
  t.check("a track has its capture time", age > -1000 && age < 5000, `${age} ms ago`);
  const [track] = event.tracks;
  const whole = ["id", "class", "class_id", "score", "box"].every((key) => key in track);
  t.check("a track has id, class, score and box", whole, JSON.stringify(track));

  for (const from of ["/snapshot.jpg?boxes=1", "video"]) {
    const shares = await bestShares(page, from);
    const what = from === "video" ? "live picture" : "snapshot";
    const seen = Math.max(...shares) > LEAST_SHARE;
    t.check(`a box in the ${what}`, seen, shares.map((s) => s.toFixed(2)).join(" "));
  }
  return undefined;
}

// Tracks and the two pictures are of three moments, and things move: on a busy machine some comparisons fail, so that
// the best of several counts.
async function bestShares(page, from) {
  let best = [0];
  for (let look = 0; look < LOOKS && Math.max(...best) <= LEAST_SHARE; look += 1) {
    const event = await nextTracks(page);
    const shares = event ? await lineShares(page, event, from) : [0];
    if (Math.max(...shares) > Math.max(...best)) best = shares;
  }
  return best;
}

function nextTracks(page) {
  return page.evaluate(
    () =>
      new Promise((done) => {
        const source = new EventSource("/api/tracks");
        source.onmessage = ({ data }) => {
          const parsed = JSON.parse(data);
          if (parsed.tracks.length === 0) return;
          source.close();
          done(parsed);
        };
        setTimeout(() => done(null), 8000);
      }),
  );
}

function lineShares(page, event, from) {
  return page.evaluate(
    async ([{ tracks, width, height }, source, near, different]) => {
      const bitmap = async (address) => createImageBitmap(await (await fetch(address)).blob());
      const pixels = (picture) => {
        const context = new OffscreenCanvas(width, height).getContext("2d");
        context.drawImage(picture, 0, 0, width, height);
        return context.getImageData(0, 0, width, height).data;
      };
      const live = document.querySelector("#video");
      const painted = pixels(source === "video" ? live : await bitmap(source));
      const clean = pixels(await bitmap("/snapshot.jpg?boxes=0"));
      const differs = (x, y) => {
        if (x < 0 || y < 0 || x >= width || y >= height) return false;
        const at = (Math.round(y) * width + Math.round(x)) * 4;
        return [0, 1, 2].some((c) => Math.abs(painted[at + c] - clean[at + c]) > different);
      };
      const lineNear = (x, y, dx, dy) => {
        for (let off = -near; off <= near; off += 1) {
          if (differs(x + off * dx, y + off * dy)) return true;
        }
        return false;
      };
      return tracks.map(({ box: [x1, y1, x2, y2] }) => {
        let [found, all] = [0, 0];
        for (let step = 0.1; step < 0.95; step += 0.05) {
          const [x, y] = [x1 + (x2 - x1) * step, y1 + (y2 - y1) * step];
          const sides = [
            [x, y1, 0, 1],
            [x, y2, 0, 1],
            [x1, y, 1, 0],
            [x2, y, 1, 0],
          ];
          for (const side of sides) {
            all += 1;
            if (lineNear(...side)) found += 1;
          }
        }
        return found / all;
      });
    },
    [event, from, NEAR_PX, DIFFERENT],
  );
}
