// What WHEP and WHIP sessions send and parse: Link headers, trickle fragments, renewed answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { iceServers } from "../../pages/app/player.js";
import { fragment, renewedAnswer } from "../../pages/app/session.js";

test("no Link header gives no servers", () => {
  assert.deepEqual(iceServers(null), []);
  assert.deepEqual(iceServers(""), []);
  assert.deepEqual(iceServers("nonsense; rel=ice-server"), []);
});

test("STUN needs no credentials, TURN has them", () => {
  const header =
    '<stun:stun.example:3478>; rel="ice-server", ' +
    '<turn:relay.example?transport=udp>; rel="ice-server"; username="me"; ' +
    'credential="secret"; credential-type="password"';
  assert.deepEqual(iceServers(header), [
    { urls: "stun:stun.example:3478" },
    { urls: "turn:relay.example?transport=udp", username: "me", credential: "secret" },
  ]);
});

test("commas, semicolons and escaped quotes in a quoted string are part of it", () => {
  const header =
    '<turn:a>; rel="ice-server"; username="a,b"; credential="x\\"y\\\\z; <q>", ' +
    "<turns:b>;rel=ice-server;username=u;credential=c";
  assert.deepEqual(iceServers(header), [
    { urls: "turn:a", username: "a,b", credential: 'x"y\\z; <q>' },
    { urls: "turns:b", username: "u", credential: "c" },
  ]);
});

test("other links and TURN without credentials are left out", () => {
  const header =
    '</style.css>; rel=preload, <https://x>; rel="ice-server", <turn:a>; rel="ice-server", ' +
    '<stun:b>; rel="other", <stun:c>; REL="Ice-Server"';
  assert.deepEqual(iceServers(header), [{ urls: "stun:c" }]);
});

// The least of some times in ms: what else the machine does only adds to one.
function leastTime(run) {
  const times = Array.from({ length: 8 }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return Math.min(...times);
}

test("parsing a hostile header takes time in proportion to its length", () => {
  for (const made of [
    (length) => `<stun:a>${'; a="\\"'.repeat(length)}`,
    (length) => "<".repeat(length),
  ]) {
    const [short, long] = [2000, 20000].map((length) => {
      const header = made(length);
      return leastTime(() => iceServers(header));
    });
    // Ten times the length. In proportion to its square it would be a hundred times as much.
    assert.ok(long < 40 * short + 10, `${short} and ${long} ms`);
  }
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

test("a trickle fragment has credentials, media line and candidates", () => {
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

test("the answer after an ICE restart has new credentials and candidates only", () => {
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
