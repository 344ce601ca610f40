// Which topics may run beside each other. A topic that is named nowhere here runs in a lane, beside one other.

// These bring a mock of their own and never look at the station: they need no built program.
const MOCK_ONLY = ["admin", "axe", "booth_network", "booth_previews", "booth_shared", "booth_trouble", "keepsake", "kiosk", "layout", "network_words", "offline", "owner"];

// These measure frames or delays, count viewers, replace everybody's source, or stop the station.
const ALONE = [
  "blocked", "boxes", "camera", "crowd", "delay", "network", "origin", "picture", "plain_peer", "publish", "quality", "restart", "tcp",
];

// On two cores: most of a topic's time goes by waiting.
export const LANES = 2;

export function isMockOnly(name) {
  return MOCK_ONLY.includes(name);
}

// Runs `run(topic, lane)` for each topic: in lanes first, then one at a time. `beforeAlone` is awaited
// before each of the latter. Topics with the largest time limit start first, which balances the lanes.
export async function runAll(topics, run, beforeAlone) {
  const alone = topics.filter(({ name }) => ALONE.includes(name));
  const waiting = topics.filter((topic) => !alone.includes(topic)).sort((one, other) => other.limitMs - one.limitMs);
  const lane = async (_, number) => {
    while (waiting.length > 0) await run(waiting.shift(), number);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const topic of alone) {
    await beforeAlone();
    await run(topic, 0);
  }
}
