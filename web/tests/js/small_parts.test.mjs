// Parts too small for a file of their own: back-off, clock offset, trickle fragment, file names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { waitMs } from "../../pages/app/backoff.js";
import { initialOffset, withSample } from "../../pages/app/clock_offset.js";
import { fragment, renewedAnswer } from "../../pages/app/trickle.js";

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
  let offset = withSample(initialOffset(), 1000, 1100, 6000);
  assert.equal(offset.offsetMs, 4950);
  offset = withSample(offset, 2000, 2010, 6995);
  assert.equal(offset.offsetMs, 4990);
  assert.equal(offset.errorMs, 5);
  offset = withSample(offset, 3000, 3400, 9000);
  assert.equal(offset.offsetMs, 4990);
});

test("an old exchange is forgotten in time", () => {
  let offset = withSample(initialOffset(), 0, 2, 1001);
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
