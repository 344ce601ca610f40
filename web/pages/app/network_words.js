// What the network does to the picture, in words. Pure; `words` are those of language.js.

const LOST_LEAST = 0.01;
const FEWER_SHARE = 0.7; // of the pictures a second that there should be
const UNDECODED_SHARE = 0.8; // of the pictures that arrived
const FROZEN_LEAST_S = 0.3;
const LATER_LEAST_MS = 150;
// More would not fit beside the numbers on a phone.
const FACTS_MOST = 3;

// What is not as it should be, most important first, as [{name, ...values for the text}]; `name` is the end of the text's key. Empty: all is
// well. `numbers` are those of between() over some seconds, `viewer` is this page's entry of /api/viewers or null,
// `status` that of the station or null. `chosen`: by the viewer, not by the station.
export function networkFacts({ numbers, viewer, status, chosen }) {
  return [
    smaller(viewer, status, chosen),
    numbers.lostShare >= LOST_LEAST && { name: "lost", percent: Math.max(Math.round(numbers.lostShare * 100), 1) },
    numbers.frozenS >= FROZEN_LEAST_S && { name: "frozen", seconds: numbers.frozenS },
    fewer(numbers, viewer, status),
    numbers.bufferMs >= LATER_LEAST_MS && { name: "later", ms: Math.round(numbers.bufferMs / 10) * 10 },
    numbers.relayed && { name: "relay" },
    numbers.tcp && { name: "tcp" },
  ]
    .filter(Boolean)
    .slice(0, FACTS_MOST);
}

// Causes that are no fault of the network.
const CHOSEN = ["chosen", "rendition_gone", "rendition_back"];

function smaller(viewer, status, chosen) {
  const offered = (status?.renditions ?? []).filter((one) => one.offered !== false);
  const at = offered.findIndex((one) => one.name === viewer?.rendition);
  const cause = viewer?.rendition_change;
  if (at <= 0 || chosen || CHOSEN.includes(cause)) return null;
  return { name: cause === "loss" ? "lossy" : "slow", size: viewer.rendition };
}

function fewer(numbers, viewer, status) {
  const rendition = (status?.renditions ?? []).find((one) => one.name === viewer?.rendition);
  const rates = [status?.source?.fps, rendition?.fps].filter((fps) => fps > 0);
  const expected = Math.min(...rates);
  if (rates.length === 0 || numbers.fps >= expected * FEWER_SHARE) return null;
  const isDevice = numbers.arrivedFps > 0 && numbers.fps < numbers.arrivedFps * UNDECODED_SHARE;
  return { name: isDevice ? "device" : "fewer", fps: numbers.fps, of: expected };
}

// The facts as one text.
export function factWords({ say, number }, facts) {
  if (facts.length === 0) return say("live.network.well");
  const texts = facts.map(({ name, ...values }) => {
    const { fps, of, seconds } = values;
    if (fps !== undefined) Object.assign(values, { fps: number(fps), of: number(of) });
    if (seconds !== undefined) values.seconds = number(seconds, 1);
    return say(`live.network.${name}`, values);
  });
  return texts.join(" ");
}

const SETTLED_MS = 3000;

// Which facts to announce to screen readers: those that are there for a while and are others than were announced last.
// Numbers that change are not announced again. `next(facts, now)` gives null where nothing is to be said.
export function makeAnnouncer() {
  let announced = ""; // "": all is well, as before the first announcement
  let seen = null;
  let seenAt = 0;
  return {
    next(facts, now) {
      const names = facts.map(({ name }) => name).join();
      if (names !== seen) [seen, seenAt] = [names, now];
      if (names === announced || now - seenAt < SETTLED_MS) return null;
      announced = names;
      return facts;
    },
  };
}
