import { stateIs } from "../harness/eyes.mjs";

export const title = "no third parties, and a small page";

export async function run(t) {
  const page = await t.page({
    before: (blank) =>
      blank.addInitScript(() => {
        globalThis.configurations = [];
        globalThis.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(config) {
            super(config);
            globalThis.configurations.push(JSON.stringify(this.getConfiguration().iceServers));
          }
        };
      }),
  });
  await stateIs(page, "live");
  const first = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .filter(({ name }) => name.includes("/app/") && !/\/(language|live_words|translated)\.js$/.test(name))
      .reduce((sum, part) => sum + part.encodedBodySize, 0),
  );
  t.check("the first files are less than 32 kB on the wire", first > 10000 && first < 32000, first);
  await page.keyboard.press("s");
  await page.waitForTimeout(1500);
  const origin = new URL(t.station.url).origin;
  const others = page.requests.filter(
    (address) => !/^(data|blob):/.test(address) && new URL(address).origin !== origin,
  );
  t.check("no request to another origin", others.length === 0, others.join(" "));
  const servers = await page.evaluate(() => globalThis.configurations.join(" "));
  t.check("no STUN or TURN server", servers === "[]", servers);
  t.check(
    "no errors in the console",
    page.complaints.length === 0,
    page.complaints[0] ?? "",
  );

  const { headers, bytes, words } = await page.evaluate(async () => {
    const response = await fetch("/");
    const parts = performance
      .getEntriesByType("resource")
      .filter(({ name }) => name.includes("/app/"));
    const size = (some) => some.reduce((sum, part) => sum + part.encodedBodySize, 0);
    return {
      headers: Object.fromEntries(response.headers),
      bytes: size(parts),
      words: size(parts.filter(({ name }) => /\/(language|live_words|translated)\.js$/.test(name))),
    };
  });
  const policy = headers["content-security-policy"] ?? "";
  const strict = policy.includes("default-src 'self'") && !policy.includes("unsafe");
  t.check("the content security policy is strict", strict, policy);
  const kb = (size) => `${Math.round(size / 1000)} kB`;
  const rest = bytes - words;
  t.check("with the statistics less than 36 kB", rest > 10000 && rest < 36000, rest);
  t.check("the translation's files have less than 6 kB", words > 1000 && words < 6000, kb(words));

  // Checked at the station, because Playwright loses the requests of a page with Cross-Origin-Opener-Policy when it is
  // left. Chromium ends a page half a second after it is left, even if its "pagehide" has not run yet, as on a machine
  // that stalls: a second page is left then, when the first one's session has timed out.
  let left = await viewersAfterLeaving(page, t.station.url);
  if (left > 0 && (await viewersWithin(t.station.url, 30_000)) === 0) {
    const another = await t.page();
    await stateIs(another, "live");
    left = await viewersAfterLeaving(another, t.station.url);
  }
  t.check("leaving ends the session", left === 0, `${left} still counted`);
}

async function viewersAfterLeaving(page, url) {
  await page.goto("about:blank");
  // Less than the timeout that removes silent viewers.
  return viewersWithin(url, 10_000);
}

// Waits until no viewer is counted; gives their number.
async function viewersWithin(url, limitMs) {
  const until = Date.now() + limitMs;
  for (;;) {
    const { viewers } = await (await fetch(`${url}api/status`)).json();
    if (viewers === 0 || Date.now() > until) return viewers;
    await new Promise((done) => setTimeout(done, 100));
  }
}
