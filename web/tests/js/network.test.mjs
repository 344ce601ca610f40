import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyCandidate, withoutCandidates } from "../../bench/link.mjs";
import { frozenShare, heightShares, longestGapMs, picturesPerS, reachedMs, traffic } from "../../bench/pictures.mjs";
import { film } from "./film.mjs";

test("a steady picture is not frozen", () => {
  const pictures = film(500, 10000, 720);
  assert.equal(frozenShare(pictures, 500, 10000), 0);
  assert.equal(frozenShare(pictures, 0, 10000), 0.05, "the time before the first picture is a gap");
  assert.equal(frozenShare(film(0, 1000, 180, 66), 0, 1000), 0, "a picture at 15 a second is not frozen");
  assert.equal(frozenShare([], 0, 1000), 1);
});

test("gaps count in full, also at the start and the end", () => {
  const pictures = [...film(0, 1000, 720, 50), ...film(1950, 4001, 720, 50)];
  assert.equal(longestGapMs(pictures, 0, 5000), 1000);
  assert.ok(Math.abs(frozenShare(pictures, 0, 5000) - 0.4) < 1e-9);
  // The time span starts within a gap.
  assert.ok(Math.abs(frozenShare(pictures, 1450, 2450) - 0.5) < 1e-9);
  assert.equal(longestGapMs(pictures, 1450, 2450), 500);
});

test("renditions share the time", () => {
  const pictures = [...film(0, 2000, 720, 20), ...film(2000, 6000, 180, 50), ...film(6000, 10000, 360, 20)];
  assert.deepEqual(heightShares(pictures, 0, 10000), { 180: 0.4, 360: 0.4, 720: 0.2 });
  assert.equal(picturesPerS(film(0, 1000, 720, 100), 0, 1000), 10);
});

test("a height is reached when it stays", () => {
  const low = film(0, 13000, 180, 60);
  const back = [...low, ...film(13000, 20000, 720)];
  assert.equal(reachedMs(back, 720, 10000, 20000), 3000);
  assert.equal(reachedMs(film(0, 20000, 720), 720, 10000, 20000) < 40, true, "the height was never left");
  assert.equal(reachedMs([...back, [20001, 360]], 720, 10000, 20001), null);
  assert.equal(reachedMs([...back, [20001, 720]], 360, 10000, 20001), 3000, "a larger one counts, too");
  assert.equal(reachedMs(low, 720, 10000, 13000), null);
  assert.equal(reachedMs([], 0, 10000, 13000), null);
});

test("traffic between two times", () => {
  const samples = [
    [0, 0, null],
    [1000, 50_000, 21],
    [2000, 150_000, 19],
    [3000, 250_000, 30],
    [4000, 999_999, 90],
  ];
  assert.deepEqual(traffic(samples, 1000, 3500), { bitrateBps: 800_000, roundTripMs: 21 });
  assert.deepEqual(traffic([], 0, 1), { bitrateBps: null, roundTripMs: null });
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
