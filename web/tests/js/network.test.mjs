import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyCandidate, withoutCandidates } from "../../bench/link.mjs";
import { addedConditions, allConditions, nameOf, ordersFor, report, summary } from "../../bench/network_report.mjs";
import { recoveredMs, traffic, watched } from "../../bench/pictures.mjs";
import { replaceGenerated } from "../../bench/table.mjs";

// Pictures every `step` ms.
function film(from, to, height, step = 33) {
  const pictures = [];
  for (let at = from; at < to; at += step) pictures.push([at, height]);
  return pictures;
}

test("a steady picture is not frozen", () => {
  const seen = watched(film(500, 10000, 720), 0, 10000);
  assert.equal(seen.frozenShare, 0);
  assert.equal(seen.spanMs, 9500, "the time before the first picture does not count");
  assert.deepEqual(seen.heights, { 720: 1 });
  assert.equal(seen.settledMs, 0);
  assert.equal(watched(film(0, 1000, 180, 66), 0, 1000).freezes, 0, "a picture at 15 a second is not frozen");
  assert.equal(watched([], 0, 1000), null);
});

test("gaps count in full, also at the start and the end", () => {
  const pictures = [...film(0, 1000, 720, 50), ...film(1950, 4001, 720, 50)];
  const seen = watched(pictures, 0, 5000);
  assert.equal(seen.freezes, 2);
  assert.equal(seen.longestGapMs, 1000);
  assert.ok(Math.abs(seen.frozenShare - 0.4) < 1e-9);
  // The time span starts within a gap.
  assert.ok(Math.abs(watched(pictures, 1450, 2450).frozenShare - 0.5) < 1e-9);
});

test("renditions share the time, and settle with the last change", () => {
  const pictures = [...film(0, 2000, 720, 20), ...film(2000, 6000, 180, 50), ...film(6000, 10000, 360, 20)];
  const seen = watched(pictures, 0, 10000);
  assert.deepEqual(seen.heights, { 180: 0.4, 360: 0.4, 720: 0.2 });
  assert.equal(seen.settledMs, 6000);
  assert.equal(seen.lastHeight, 360);
});

test("recovery means that the full height stays", () => {
  const low = film(0, 13000, 180, 60);
  const back = [...low, ...film(13000, 20000, 720)];
  assert.equal(recoveredMs(back, 10000, 20000), 3000);
  assert.equal(recoveredMs(film(0, 20000, 720), 10000, 20000) < 40, true, "the full height was never left");
  assert.equal(recoveredMs([...back, [20001, 360]], 10000, 20001), null);
  assert.equal(recoveredMs(low, 10000, 13000), null);
});

test("traffic between two times", () => {
  const samples = [
    [0, 0, null],
    [1000, 50_000, 21],
    [2000, 150_000, 19],
    [3000, 250_000, 30],
    [4000, 999_999, 90],
  ];
  assert.deepEqual(traffic(samples, 1000, 3500), {
    bytes: 200_000,
    bitrateBps: 800_000,
    roundTripMs: 21,
  });
  assert.equal(traffic([], 0, 1).bitrateBps, null);
});

test("the relay is the only candidate", () => {
  const sdp =
    "v=0\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=ice-ufrag:x\r\n" +
    "a=candidate:2 1 tcp 1 192.0.2.1 5 typ host tcptype passive\r\na=end-of-candidates\r\n";
  assert.equal(withoutCandidates(sdp), "v=0\r\na=ice-ufrag:x\r\na=end-of-candidates\r\n");
  assert.equal(
    onlyCandidate(sdp, { address: "127.0.0.1", port: 7 }),
    "v=0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 7 typ host\r\na=ice-ufrag:x\r\n" +
      "a=end-of-candidates\r\n",
  );
});

test("every condition is measured once and reported", () => {
  const conditions = allConditions();
  assert.equal(conditions.length, 24);
  assert.deepEqual(ordersFor(conditions[23]), [
    "both loss=0.1 delay_ms=50",
    "down rate_bps=300000",
  ]);
  const added = addedConditions();
  const names = new Set([...conditions, ...added].map(nameOf));
  assert.equal(names.size, 24 + added.length, "a name means one condition");
  for (const one of added) {
    assert.deepEqual(ordersFor(one), one.orders);
    assert.ok(one.steps.every(([at]) => at < one.watchSeconds));
  }
  const slow = conditions.find(({ lifts, loss }) => lifts && loss === 0);
  const viewer = {
    began: 0,
    pictures: [...film(100, 2000, 720), ...film(2000, 24000, 180, 60), ...film(24000, 32000, 720)],
    samples: [
      [1000, 100_000, 20],
      [20000, 900_000, 22],
    ],
  };
  const run = {
    conditions: slow,
    span: { to: 20000, recoveredBy: 32000 },
    link: { down: { offered: 10, lost: 0, overflowed: 2 } },
    chromium: { began: 0, pictures: [], samples: [] },
    light: viewer,
  };
  const measured = {
    date: "2026-01-01",
    machine: { cores: 2, cpu: "x", system: "y", kernel: "z", chromium: "Chromium 1", load: 0.5 },
    watchSeconds: 20,
    recoverSeconds: 12,
    runs: [run],
    failures: [],
  };
  const text = report(measured);
  assert.match(text, /\| 300 kbit\/s \|.*\| +str0m \|.*720: 10 %, 180: 90 %/);
  assert.match(text, /back at 720 after the limit.*\| +no \| 4\.0 s \| +no \|/);
  assert.match(summary(run), /720 again after 4\.0 s; link: 10 in, 0 lost, 2 overflowed/);
  const document = replaceGenerated("# Benchmarks\n", text, "network");
  assert.match(document, /<!-- network:begin -->/);
  assert.equal(replaceGenerated(document, text, "network"), document);
});
