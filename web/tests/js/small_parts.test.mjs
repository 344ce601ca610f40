// Parts too small for a file of their own: back-off, clock offset, trickle fragment, file names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { waitMs } from "../../pages/app/backoff.js";
import { initialClock, withSample } from "../../pages/app/status.js";
import { contained, overlap } from "../../pages/app/edges.js";
import { fragment, renewedAnswer } from "../../pages/app/session.js";
import { addressParts } from "../../pages/join/codes.js";

test("back-off doubles from half a second to five", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 50].map((n) => waitMs(n)),
    [500, 1000, 2000, 4000, 5000, 5000],
  );
});

test("a server's Retry-After is honoured, within reason", () => {
  assert.equal(waitMs(1, 4000), 4000);
  assert.equal(waitMs(5, 1000), 5000);
  assert.equal(waitMs(1, 3_600_000), 30000);
});

test("the quickest exchange decides about the clock", () => {
  let offset = withSample(initialClock(), 1000, 1100, 6000);
  assert.equal(offset.offsetMs, 4950);
  offset = withSample(offset, 2000, 2010, 6995);
  assert.equal(offset.offsetMs, 4990);
  assert.equal(offset.errorMs, 5);
  offset = withSample(offset, 3000, 3400, 9000);
  assert.equal(offset.offsetMs, 4990);
});

test("an old exchange is forgotten in time", () => {
  let offset = withSample(initialClock(), 0, 2, 1001);
  for (let now = 0; now < 20; now += 1) offset = withSample(offset, now, now + 10, now + 505);
  assert.equal(offset.offsetMs, 500);
});

const OFFER = [
  "v=0",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:secretsecretsecretsecret",
  "a=mid:0",
  "a=recvonly",
  "",
].join("\r\n");

test("a trickle fragment names its session, its line and its candidates", () => {
  const body = fragment(OFFER, ["candidate:1 1 udp 1 192.0.2.1 9 typ host"], true);
  assert.deepEqual(body.split("\r\n"), [
    "a=ice-ufrag:abcd",
    "a=ice-pwd:secretsecretsecretsecret",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:0",
    "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
    "a=end-of-candidates",
    "",
  ]);
  assert.ok(!fragment(OFFER, [], false).includes("end-of-candidates"));
});

test("a renewed answer has the new credentials and candidates, and is otherwise the old one", () => {
  const answer = [
    "v=0",
    "o=- 77 2 IN IP4 127.0.0.1",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:0",
    "a=ice-ufrag:old",
    "a=ice-pwd:older",
    "a=setup:active",
    "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
    "a=end-of-candidates",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=ice-ufrag:old",
    "a=ice-pwd:older",
    "",
  ].join("\r\n");
  const renewal =
    "a=ice-options:trickle\r\na=ice-ufrag:new\r\na=ice-pwd:newer\r\n" +
    "a=candidate:1 1 udp 1 192.0.2.2 9 typ host\r\na=end-of-candidates\r\n";
  assert.deepEqual(renewedAnswer(answer, renewal).split("\r\n"), [
    "v=0",
    "o=- 77 3 IN IP4 127.0.0.1",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:0",
    "a=ice-ufrag:new",
    "a=ice-pwd:newer",
    "a=candidate:1 1 udp 1 192.0.2.2 9 typ host",
    "a=end-of-candidates",
    "a=setup:active",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=ice-ufrag:new",
    "a=ice-pwd:newer",
    "",
  ]);
  assert.throws(() => renewedAnswer(answer, "a=ice-options:trickle\r\n"));
});

test("where a picture lies in its box, and what lies over it", () => {
  const upright = { left: 0, top: 0, width: 390, height: 844 };
  const wide = contained(upright, 1280, 720);
  assert.deepEqual([wide.left, wide.right, Math.round(wide.top), Math.round(wide.bottom)], [0, 390, 312, 532]);
  const dock = { left: 12, right: 378, top: 766, bottom: 832 };
  assert.equal(overlap(dock, wide), false);
  assert.equal(overlap(dock, contained(upright, 720, 1280)), true, "a phone's own upright picture");
  assert.equal(overlap(dock, { left: 0, right: 390, top: 700, bottom: 766.5 }), false, "they only touch");
  assert.equal(contained(upright, 0, 0), upright, "no picture yet: it may be anywhere");
});

test("an address is broken behind its separators", () => {
  assert.deepEqual(addressParts("photo-booth.example:8080/a/booth"), ["photo-", "booth.", "example:", "8080/", "a/", "booth"]);
  assert.equal(addressParts("http://[fe80::1]/booth").join(""), "http://[fe80::1]/booth");
});
