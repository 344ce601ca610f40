import { percentile, stateIs, watchPictures } from "../harness/eyes.mjs";
import { teachPeers, viewersBecome } from "../harness/peers.mjs";

export const title = "twenty viewers join and leave without disturbing the first one";

const CROWD = 20;

export async function run(t) {
  const page = await t.page();
  await stateIs(page, "live");
  await page.waitForTimeout(1000);
  const other = await t.page({ address: `${t.station.url}healthz` });
  await teachPeers(other);

  await page.evaluate(() => {
    globalThis.left = [];
    const root = document.documentElement;
    new MutationObserver(() => {
      if (root.dataset.state !== "live") globalThis.left.push(root.dataset.state);
    }).observe(root, { attributeFilter: ["data-state"] });
  });
  const watching = watchPictures(page, 6000);
  const crowd = t.real ? CROWD : 4;
  const statuses = await other.evaluate(async (count) => {
    const all = Array.from({ length: count }, () => globalThis.openPeer());
    return (await Promise.all(all)).map((viewer) => viewer.status);
  }, crowd);
  t.check(
    "all viewers are admitted",
    statuses.every((status) => status === 201),
    statuses.join(" "),
  );
  const counted = await viewersBecome(page, crowd + 1, 5000);
  t.check("all viewers are counted", counted === crowd + 1, `${counted}`);
  await other.waitForFunction(() => globalThis.peers.every((peer) => peer.firstMs !== null), null, {
    timeout: 10000,
  });
  const firsts = await other.evaluate(() => globalThis.peers.map((peer) => peer.firstMs));
  const slow = percentile(firsts, 0.95);
  // Generous: twenty decoders in one browser compete for the CPU.
  t.check("all viewers see the picture", slow < (t.real ? 3000 : 8000), `p95 ${slow.toFixed(0)} ms`);

  const half = crowd / 2;
  const replies = await other.evaluate(
    async (count) => Promise.all(globalThis.peers.splice(0, count).map((peer) => peer.leave())),
    half,
  );
  t.check(
    "half of them leave with DELETE",
    replies.every((status) => status === 200),
    replies.join(" "),
  );
  t.check("those are no longer counted", (await viewersBecome(page, half + 1, 3000)) === half + 1);

  const pictures = await watching;
  const gaps = pictures.slice(1).map((p, at) => p.sent_ms - pictures[at].sent_ms);
  const longest = `longest gap ${Math.max(...gaps).toFixed(0)} ms`;
  const left = await page.evaluate(() => globalThis.left.join(" "));
  t.check("the first viewer stays live", left === "", left || longest);

  await other.evaluate(() => globalThis.peers.forEach(({ peer }) => peer.close()));
  await other.context().close();
  if (t.real) {
    const rest = await viewersBecome(page, 1, 40000);
    t.check("viewers that vanish are removed after a timeout", rest === 1, `${rest} left`);
  }
}
