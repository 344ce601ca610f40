// Link headers as stations and other servers write them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { iceServers } from "../../pages/app/player.js";

test("no header is no servers", () => {
  assert.deepEqual(iceServers(null), []);
  assert.deepEqual(iceServers(""), []);
  assert.deepEqual(iceServers("nonsense; rel=ice-server"), []);
});

test("stun needs no account, turn has one", () => {
  const header =
    '<stun:stun.example:3478>; rel="ice-server", ' +
    '<turn:relay.example?transport=udp>; rel="ice-server"; username="me"; ' +
    'credential="secret"; credential-type="password"';
  assert.deepEqual(iceServers(header), [
    { urls: "stun:stun.example:3478" },
    { urls: "turn:relay.example?transport=udp", username: "me", credential: "secret" },
  ]);
});

test("commas, semicolons and escaped quotes within quotes stay there", () => {
  const header =
    '<turn:a>; rel="ice-server"; username="a,b"; credential="x\\"y\\\\z; <q>", ' +
    "<turns:b>;rel=ice-server;username=u;credential=c";
  assert.deepEqual(iceServers(header), [
    { urls: "turn:a", username: "a,b", credential: 'x"y\\z; <q>' },
    { urls: "turns:b", username: "u", credential: "c" },
  ]);
});

test("other links, other addresses and turn without an account are left out", () => {
  const header =
    '</style.css>; rel=preload, <https://x>; rel="ice-server", <turn:a>; rel="ice-server", ' +
    '<stun:b>; rel="other", <stun:c>; REL="Ice-Server"';
  assert.deepEqual(iceServers(header), [{ urls: "stun:c" }]);
});

test("a header made to be slow is not", () => {
  const began = performance.now();
  iceServers(`<stun:a>${'; a="\\"'.repeat(20000)}`);
  iceServers("<".repeat(20000));
  assert.ok(performance.now() - began < 2000);
});
