// Malicious traffic against a station on this machine, as any device in its network could send it.

import dgram from "node:dgram";
import net from "node:net";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const ROUND_MS = 1000;
const IDLE_MAX = 50; // open connections

// A STUN binding request (RFC 8489) with an unknown user name and a wrong MESSAGE-INTEGRITY.
function forgedCheck() {
  const name = Buffer.from("abcd:efgh");
  const attributes = Buffer.concat([
    attribute(0x0006, name),
    attribute(0x0025, Buffer.alloc(0)),
    attribute(0x0008, randomBytes(20)),
  ]);
  const head = Buffer.alloc(20);
  head.writeUInt16BE(0x0001, 0);
  head.writeUInt16BE(attributes.length, 2);
  head.writeUInt32BE(0x2112a442, 4);
  randomBytes(12).copy(head, 8);
  return Buffer.concat([head, attributes]);
}

function attribute(kind, value) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(kind, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
}

// Sends until `isOver()`; resolves to a Map from kind to how often it was sent.
export async function startMalice(station, isOver) {
  const sent = new Map();
  const count = (what) => sent.set(what, (sent.get(what) ?? 0) + 1);
  const udp = dgram.createSocket("udp4");
  const datagram = (bytes) => udp.send(bytes, station.mediaPort, "127.0.0.1");
  const idle = [];
  const hold = (text) => {
    const socket = net.connect(station.port, "127.0.0.1", () => text && socket.write(text));
    socket.on("error", () => {});
    idle.push(socket);
    if (idle.length > IDLE_MAX) idle.shift().destroy();
  };
  const ask = (path, options) =>
    fetch(`${station.url}${path}`, { signal: AbortSignal.timeout(10000), ...options })
      .then((response) => response.arrayBuffer())
      .catch(() => {});
  const sdp = (body) => ask("whep", { method: "POST", headers: { "Content-Type": "application/sdp" }, body });
  const kinds = {
    "junk datagram": () => datagram(randomBytes(1 + Math.floor(Math.random() * 1200))),
    "forged STUN": () => datagram(forgedCheck()),
    "idle connection": () => hold(""),
    "half a request": () => hold("GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:"),
    "media TCP, silent": () => {
      const socket = net.connect(station.mediaPort, "127.0.0.1");
      socket.on("error", () => {});
      setTimeout(() => socket.destroy(), 20000).unref();
    },
    "broken offer": () => sdp(`v=0\r\n${randomBytes(200).toString("latin1")}`),
    "huge offer": () => sdp("a".repeat(200000)),
    "wrong token": () => ask("api/admin/session", { method: "POST", headers: { Authorization: `Bearer ${randomBytes(8).toString("hex")}` } }),
    "foreign origin": () => ask("api/stylise", { method: "POST", headers: { Origin: "https://elsewhere.example" }, body: new FormData() }),
    "no picture": () => {
      const form = new FormData();
      form.set("style", "pencil");
      form.set("image", new Blob([randomBytes(20000)]), "x.jpg");
      return ask("api/stylise", { method: "POST", body: form });
    },
    "strange path": () => ask(`whep/${randomBytes(16).toString("hex")}`, { method: "DELETE" }),
  };
  while (!isOver()) {
    for (const [what, send] of Object.entries(kinds)) {
      count(what);
      await Promise.race([send(), sleep(200)]);
    }
    await sleep(ROUND_MS);
  }
  for (const socket of idle) socket.destroy();
  udp.close();
  return sent;
}
