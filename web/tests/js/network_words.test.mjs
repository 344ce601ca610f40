// What the statistics say of the network in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeWords } from "../../pages/app/language.js";
import { ENGLISH } from "../../pages/app/live_words.js";
import { factWords, makeAnnouncer, networkFacts } from "../../pages/app/network_words.js";
import { between, readCounters } from "../../pages/app/stats.js";

const words = makeWords("en", ENGLISH, ENGLISH);

const WELL = { fps: 30, arrivedFps: 30, lostShare: 0, frozenS: 0, bufferMs: 20, tcp: false, relayed: false };
const STATUS = {
  source: { fps: 30 },
  renditions: [
    { name: "720p", fps: 30 },
    { name: "360p", fps: 30 },
    { name: "180p", fps: 15 },
  ],
};

function said({ numbers = {}, viewer = { rendition: "720p" }, status = STATUS, chosen = false } = {}) {
  return factWords(words, networkFacts({ numbers: { ...WELL, ...numbers }, viewer, status, chosen }));
}

test("nothing wrong is said, too", () => {
  assert.equal(said(), "The network is fine.");
  assert.equal(said({ viewer: null, status: null }), "The network is fine.");
  assert.equal(said({ numbers: { lostShare: 0.004, bufferMs: null } }), "The network is fine.");
});

test("a smaller picture is named with its cause", () => {
  const at = (rendition, rendition_change) => said({ viewer: { rendition, rendition_change } });
  assert.equal(at("360p", "queueing_delay"), "Slow network: smaller picture (360p).");
  assert.equal(at("360p", "loss"), "Packets are lost: smaller picture (360p).");
  assert.equal(at("360p", "probe_succeeded"), "Slow network: smaller picture (360p).");
  assert.equal(at("360p", "rendition_gone"), "The network is fine.", "the station saves power");
  const chosen = said({ viewer: { rendition: "360p", rendition_change: "chosen" }, chosen: true });
  assert.equal(chosen, "The network is fine.");
});

test("the largest rendition that is offered is no smaller picture", () => {
  const [large, ...others] = STATUS.renditions;
  const status = { ...STATUS, renditions: [{ ...large, offered: false }, ...others] };
  assert.equal(said({ status, viewer: { rendition: "360p", rendition_change: "queueing_delay" } }), "The network is fine.");
});

test("losses, freezes and delays are counted", () => {
  assert.equal(said({ numbers: { lostShare: 0.123 } }), "The network lost 12 % of packets.");
  assert.equal(said({ numbers: { frozenS: 1.24 } }), "The picture stood still for 1.2 s.");
  assert.match(said({ numbers: { bufferMs: 263 } }), /^Shown 260 ms later/);
});

test("fewer pictures are the network's fault, or this device's, or nobody's", () => {
  assert.equal(said({ numbers: { fps: 8, arrivedFps: 8 } }), "Fewer pictures: 8 of 30 a second.");
  assert.equal(said({ numbers: { fps: 8, arrivedFps: 29 } }), "This device is too slow: 8 of 30 pictures a second.");
  const slow = { ...STATUS, source: { fps: 10 } };
  assert.equal(said({ status: slow, numbers: { fps: 10, arrivedFps: 10 } }), "The network is fine.", "a slow camera");
  const small = said({ viewer: { rendition: "180p", rendition_change: "queueing_delay" }, numbers: { fps: 15, arrivedFps: 15 } });
  assert.equal(small, "Slow network: smaller picture (180p).");
});

test("the way is named when it is a detour, and all facts stand in one text", () => {
  assert.equal(said({ numbers: { tcp: true } }), "Connected through TCP: UDP is blocked here.");
  assert.equal(said({ numbers: { relayed: true } }), "Connected through a relay (TURN).");
  const all = said({ numbers: { lostShare: 0.2, tcp: true }, viewer: { rendition: "180p", rendition_change: "no_feedback" } });
  assert.equal(
    all,
    "Slow network: smaller picture (180p). The network lost 20 % of packets. Connected through TCP: UDP is blocked here.",
  );
});

test("the counters tell of freezes, of pictures that arrived, and of the way", () => {
  const report = (video, remote) =>
    new Map(
      [
        { id: "v", type: "inbound-rtp", kind: "video", timestamp: 0, ...video },
        { id: "p", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "l", remoteCandidateId: "r" },
        { id: "l", type: "local-candidate", protocol: "udp", candidateType: "host" },
        { id: "r", type: "remote-candidate", protocol: "udp", candidateType: "host", ...remote },
      ].map((stat) => [stat.id, stat]),
    );
  const read = (remote, local = {}) => {
    const after = report({ timestamp: 2000, framesReceived: 40, totalFreezesDuration: 0.5 }, remote);
    Object.assign(after.get("l"), local);
    return between(readCounters(report({}, remote)), readCounters(after));
  };
  const { arrivedFps, frozenS, tcp, relayed } = read({});
  assert.deepEqual([arrivedFps, frozenS, tcp, relayed], [20, 0.5, false, false]);
  assert.equal(read({ protocol: "tcp" }).tcp, true);
  const relay = read({}, { candidateType: "relay", relayProtocol: "tls" });
  assert.deepEqual([relay.relayed, relay.tcp], [true, true]);
});

test("a change is announced once, after it has settled", () => {
  const announcer = makeAnnouncer();
  const lost = (percent) => [{ name: "lost", percent }];
  assert.equal(announcer.next([], 0), null, "that all is well is the start");
  assert.equal(announcer.next([], 9000), null);
  assert.equal(announcer.next(lost(5), 10000), null);
  assert.equal(announcer.next(lost(7), 12000), null);
  assert.deepEqual(announcer.next(lost(9), 13000), lost(9));
  assert.equal(announcer.next(lost(12), 14000), null, "another number is no news");
  assert.equal(announcer.next([], 15000), null);
  assert.equal(announcer.next(lost(3), 16000), null);
  assert.equal(announcer.next(lost(3), 30000), null, "it was announced before");
  assert.equal(announcer.next([], 31000), null);
  assert.deepEqual(announcer.next([], 34000), []);
});
