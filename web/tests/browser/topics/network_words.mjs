import { PHONE, says, withMock } from "../harness/booth.mjs";
import { stateIs } from "../harness/eyes.mjs";

export const title = "the statistics say in words what the network does";

const LADDER = [
  { name: "720p", width: 1280, height: 720, fps: 30, bitrate_bps: 1500000, viewers: 1, offered: true },
  { name: "360p", width: 640, height: 360, fps: 30, bitrate_bps: 600000, viewers: 0, offered: true },
];
const LINE = "#network-words";

export async function run(t) {
  await withMock(t, async (mock) => {
    mock.status.renditions = LADDER;
    await changing(t, mock);
    for (const [locale, pattern] of [
      ["de-DE", /Langsames Netz: kleineres Bild \(360p\)\. Das Netz hat 1\d % der Pakete verloren\. Über TCP/],
      ["es-ES", /Red lenta: imagen más pequeña \(360p\)\. La red ha perdido el 1\d % de los paquetes\. Conectado por TCP/],
    ]) {
      await translated(t, mock, locale, pattern);
    }
  });
}

async function changing(t, mock) {
  const page = await t.page({ address: mock.url, ...PHONE, before: withNetwork });
  await stateIs(page, "live");
  await page.tap("#button-statistics");
  t.check("a good network is fine", await says(page, LINE, /^The network is fine\.$/));
  await t.shot(page, "network-words-well");
  const heard = await announcements(page);
  Object.assign(mock, { rendition: "360p", renditionChange: "queueing_delay" });
  await page.evaluate(() => Object.assign(globalThis.network, { lost: 0.12, tcp: true, height: 360 }));
  const all = /^Slow network: smaller picture \(360p\)\. The network lost 1\d % of packets\. Connected through TCP/;
  t.check("a slow, lossy one and a detour are named", await says(page, LINE, all));
  await t.shot(page, "network-words-bad");
  await page.waitForTimeout(7000);
  const all_said = await heard();
  const said = all_said.filter((text) => /network|TCP/.test(text));
  const last = said.at(-1) ?? "";
  t.check("screen readers are told once it has settled", all.test(last) && said.length <= 2, said.join(" | "));
  t.check("the text that changes each second is no live region", await page.evaluate((line) => !document.querySelector(line).closest("[aria-live], [role=status]"), LINE));
  mock.rendition = "720p";
  await page.evaluate(() => Object.assign(globalThis.network, { lost: 0, tcp: false, height: 720 }));
  t.check("it is fine again", await says(page, LINE, /^The network is fine\.$/, 15000));
  t.check("no errors in the console", page.complaints.length === 0, page.complaints[0] ?? "");
  await page.context().close();
}

async function translated(t, mock, locale, pattern) {
  Object.assign(mock, { rendition: "360p", renditionChange: "queueing_delay" });
  const page = await t.page({ address: mock.url, ...PHONE, locale, before: withNetwork });
  await page.evaluate(() => Object.assign(globalThis.network, { lost: 0.12, tcp: true }));
  await stateIs(page, "live");
  await page.tap("#button-statistics");
  t.check(`${locale}: a slow network in its language`, await says(page, LINE, pattern));
  await t.shot(page, `network-words-${locale}`);
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.waitForTimeout(300);
  await t.shot(page, `network-words-${locale}-tablet`);
  await page.context().close();
}

// The page's getStats() tells of the network that the topic sets.
function withNetwork(page) {
  return page.addInitScript(() => {
    globalThis.network = { lost: 0, tcp: false, height: 720 };
    let [lost, packets] = [0, 0];
    const { getStats } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.getStats = async function () {
      const { network } = globalThis;
      const report = new Map([...(await getStats.call(this))].map(([id, stat]) => [id, { ...stat }]));
      for (const stat of report.values()) {
        if (stat.type === "inbound-rtp" && stat.kind === "video") {
          lost += ((stat.packetsReceived - packets) * network.lost) / (1 - network.lost);
          packets = stat.packetsReceived;
          // What else the mock's connection does on a busy machine is not the matter here.
          const frames = Math.round(stat.timestamp / (1000 / 30));
          Object.assign(stat, { packetsLost: Math.round(lost), frameHeight: network.height, totalFreezesDuration: 0 });
          Object.assign(stat, { framesDecoded: frames, framesReceived: frames, jitterBufferDelay: 0 });
        }
        if (stat.type === "remote-candidate") stat.protocol = network.tcp ? "tcp" : "udp";
      }
      return report;
    };
  });
}

// What is put into the live region from now on.
async function announcements(page) {
  await page.evaluate(() => {
    globalThis.heard = [];
    const spoken = document.getElementById("spoken");
    new MutationObserver(() => globalThis.heard.push(spoken.textContent)).observe(spoken, { childList: true, characterData: true, subtree: true });
  });
  return () => page.evaluate(() => globalThis.heard);
}
