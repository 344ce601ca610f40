import { teachPeers } from "../harness/peers.mjs";

export const title = "WHEP players other than the page";

export async function run(t) {
  const page = await t.page({ address: `${t.station.url}healthz` });
  await teachPeers(page);
  const kinds = {
    "a plain RTCPeerConnection": {},
    "one that gathers everything first": { gather: true },
    "one whose offer has audio and a data channel": { extras: true },
  };
  for (const [name, options] of Object.entries(kinds)) {
    const status = await page.evaluate(async (o) => (await globalThis.openPeer(o)).status, options);
    const seen = await page
      .waitForFunction(() => globalThis.peers.at(-1).firstMs !== null, null, { timeout: 6000 })
      .then(
        () => true,
        () => false,
      );
    const first = await page.evaluate(() => globalThis.peers.at(-1).firstMs);
    t.check(name, status === 201 && seen, `${status}, first picture ${first?.toFixed(0)} ms`);
    const left = await page.evaluate(() => globalThis.peers.at(-1).leave());
    t.check("  leaves with DELETE", left === 200, left);
  }
  if (!t.real) return;
  const wrong = await page.evaluate(async () => {
    const post = (type, body) =>
      fetch("/whep", { method: "POST", headers: { "Content-Type": type }, body });
    const replies = [
      await post("text/plain", "v=0"),
      await post("application/sdp", "this is not SDP"),
      await fetch("/whep/nobody", { method: "DELETE" }),
      await fetch("/whep", { method: "OPTIONS" }),
    ];
    return replies.map((reply) => reply.status);
  });
  const right = wrong[0] === 415 && wrong[1] === 400 && wrong[2] === 404 && wrong[3] < 300;
  t.check("invalid requests get the right status", right, wrong.join(" "));
}
