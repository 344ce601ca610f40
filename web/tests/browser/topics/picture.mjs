import { coloursAt, furthest, percentile, stateIs, watchPictures } from "../harness/eyes.mjs";
import { KNOWN } from "../harness/known_colours.mjs";

export const title = "the picture moves and its colours are right";
// Long enough for nine keyframes.
export const limitMs = 150000;

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  await page.waitForTimeout(1500);

  const pictures = await watchPictures(page, 2000);
  const times = pictures.map((picture) => picture.produced_ms).filter((ms) => ms !== null);
  const least = t.real ? 54 : 30;
  t.check("pictures come at video rate", pictures.length >= least, `${pictures.length} pictures in 2 s`);
  const readable = times.length / pictures.length;
  t.check("the timecode is readable", readable > 0.98, `${(readable * 100).toFixed(0)} %`);
  const forward = times.every((ms, index) => index === 0 || ms >= times[index - 1]);
  t.check("the timecode increases", forward && times.at(-1) - times[0] > 1500);

  const known = KNOWN[t.station.kind];
  if (known.length > 0) {
    const off = await settledOff(page, known, allowedOff(t));
    const said = `${off.mean.toFixed(1)} off in the mean, 90 % within ${off.nearly.toFixed(1)}, ${off.most.toFixed(1)} at most`;
    t.check("known colours are right", isWithin(off, allowedOff(t)), said);
  }
  await sameAsSnapshot(t, page);
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
}

// The encoder's quantiser changes flat patches by 1 to 5, differently in each keyframe, and static parts keep that until
// the next keyframe, at most ten seconds later. The mean of what several keyframes show is compared, so that no single
// keyframe decides; nine are tried before the check fails.
async function settledOff(page, known, allowed) {
  const until = Date.now() + 90_000;
  const keyframes = [];
  for (;;) {
    const seen = (await coloursAt(page, known)).map((rgb) => [...rgb]);
    const before = keyframes.at(-1);
    const changed = before === undefined || seen.some((rgb, at) => furthest(rgb, before[at]) > 0);
    if (changed) keyframes.push(seen);
    const offs = known.flatMap(({ rgb }, at) =>
      rgb.map((value, channel) => Math.abs(value - meanOf(keyframes, (frame) => frame[at][channel]))),
    );
    const off = { mean: meanOf(offs, (one) => one), nearly: percentile(offs, 0.9), most: Math.max(...offs) };
    if (isWithin(off, allowed) || Date.now() > until) return off;
    await page.waitForTimeout(500);
  }
}

function meanOf(list, of) {
  return list.reduce((sum, one) => sum + of(one), 0) / list.length;
}

// A wrong colour matrix changes the mean by 7 and single channels by 29, a wrong range by 13 and 16. The quantiser changes
// single channels by up to 5, and the same ones in many keyframes (the blue of the green bar). The mock's picture is
// encoded by Chromium.
function allowedOff(t) {
  return t.real ? { mean: 2, nearly: 3, most: 6 } : { mean: 6, nearly: 12, most: 12 };
}

function isWithin(off, allowed) {
  return off.mean <= allowed.mean && off.nearly <= allowed.nearly && off.most <= allowed.most;
}

// WebRTC and JPEG use different ranges and matrices, and must give the same colours.
async function sameAsSnapshot(t, page) {
  const points = [];
  for (let x = 40; x < 1280; x += 80) for (let y = 60; y < 720; y += 60) points.push({ x, y });
  const first = await coloursAt(page, points, "/snapshot.jpg?boxes=1");
  const video = await coloursAt(page, points);
  const second = await coloursAt(page, points, "/snapshot.jpg?boxes=1");
  const still = points.map((_, at) => at).filter((at) => furthest(first[at], second[at]) <= 1);
  const offs = still.map((at) => furthest(first[at], video[at])).sort((a, b) => a - b);
  const most = offs[Math.floor(offs.length * 0.9)];
  const allowed = t.real ? 3 : 12;
  t.check(
    "video and snapshot have the same colours",
    most <= allowed,
    `90 % of ${offs.length} places within ${most}`,
  );
}
