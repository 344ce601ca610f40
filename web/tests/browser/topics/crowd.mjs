import { percentile, stateIs, watchPictures } from "../harness/eyes.mjs";
import { teachPeers, viewersBecome } from "../harness/peers.mjs";

export const title = "twenty viewers join and leave, and the first one never notices";

const CROWD = 20;

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  await page.waitForTimeout(1000);
  const other = await t.page({ address: `${t.station.url}healthz` });
  await teachPeers(other);

  const watching = watchPictures(page, 6000);
  const crowd = t.real ? CROWD : 4;
  const statuses = await other.evaluate(async (count) => {
    const all = Array.from({ length: count }, () => globalThis.openPeer());
    return (await Promise.all(all)).map((viewer) => viewer.status);
  }, crowd);
  t.check(
    "all are let in",
    statuses.every((status) => status === 201),
    statuses.join(" "),
  );
  const counted = await viewersBecome(page, crowd + 1, 5000);
  t.check("and counted", counted === crowd + 1, `${counted}`);
  await other.waitForFunction(() => globalThis.peers.every((peer) => peer.firstMs !== null), null, {
    timeout: 10000,
  });
  const firsts = await other.evaluate(() => globalThis.peers.map((peer) => peer.firstMs));
  const slow = percentile(firsts, 0.95);
  // Twenty decoders in one browser wait for each other; the program's own share is in its metrics.
  t.check("all see the picture", slow < (t.real ? 3000 : 8000), `p95 ${slow.toFixed(0)} ms`);

  const half = crowd / 2;
  const left = await other.evaluate(
    async (count) => Promise.all(globalThis.peers.splice(0, count).map((peer) => peer.leave())),
    half,
  );
  t.check(
    "half leave politely",
    left.every((status) => status === 200),
    left.join(" "),
  );
  t.check("and are gone", (await viewersBecome(page, half + 1, 3000)) === half + 1);

  const pictures = await watching;
  const gaps = pictures.slice(1).map((p, at) => p.sent_ms - pictures[at].sent_ms);
  const longest = Math.max(...gaps);
  t.check(
    "the first viewer's picture went on",
    longest < 1500,
    `longest gap ${longest.toFixed(0)} ms`,
  );

  await other.evaluate(() => globalThis.peers.forEach(({ peer }) => peer.close()));
  await other.context().close();
  if (t.real) {
    const rest = await viewersBecome(page, 1, 40000);
    t.check("the rest left without a word and are forgotten", rest === 1, `${rest} left`);
  }
}
