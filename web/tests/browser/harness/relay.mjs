// A network between a page and the station, of the test's own: it can be cut, silently, and can give
// the page another address, as another Wi-Fi would.

import dgram from "node:dgram";
import net from "node:net";
import { freeUdpPort } from "./ports.mjs";

// The page is to be opened at `url`: pages and signalling go through. Answers name the relay's port
// instead of the station's, and offers name no address: a page that has a camera tells its real one,
// and the station would find it past the relay.
export async function makeRelay(station) {
  const mediaPort = await portLike(station.mediaPort);
  let cut = false;
  const media = relayMedia(mediaPort, station.mediaPort, () => cut);
  const pages = relayPages(station, mediaPort, () => cut);
  const port = await pages.listen();
  return {
    url: `http://127.0.0.1:${port}/`,
    cut() {
      cut = true;
      // Whatever was open now has lost bytes: it never moves again, not even afterwards.
      pages.abandon();
    },
    restore() {
      pages.abandon();
      cut = false;
    },
    // Media comes from another address from now on, and the one before takes nothing any more.
    move: () => media.move(),
    close() {
      media.close();
      pages.close();
    },
  };
}

// Of as many digits, so that replacing it in an answer changes no length.
async function portLike(other) {
  for (;;) {
    const port = await freeUdpPort();
    if (String(port).length === String(other).length) return port;
  }
}

function relayMedia(port, stationPort, isCut) {
  const front = dgram.createSocket("udp4").bind(port, "127.0.0.1");
  let backs = new Map();
  const back = (client) => {
    const name = `${client.address}:${client.port}`;
    if (!backs.has(name)) {
      const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
      const mine = backs;
      socket.on("message", (message) => {
        if (!isCut() && mine === backs) front.send(message, client.port, client.address);
      });
      backs.set(name, socket);
    }
    return backs.get(name);
  };
  front.on("message", (message, client) => {
    if (!isCut()) back(client).send(message, stationPort, "127.0.0.1");
  });
  const drop = (old) => old.forEach((socket) => socket.close());
  return {
    move() {
      const old = backs;
      backs = new Map();
      drop(old);
    },
    close() {
      front.close();
      drop(backs);
    },
  };
}

function relayPages(station, mediaPort, isCut) {
  const there = ` ${station.mediaPort} typ `;
  const here = ` ${mediaPort} typ `;
  let open = new Set();
  const server = net.createServer((client) => {
    const upstream = net.connect(station.port, "127.0.0.1");
    const pair = { dead: isCut() };
    open.add(pair);
    const pass = (from, to, change) => {
      from.on("data", (bytes) => pair.dead || to.write(change(bytes)));
      from.on("close", () => {
        if (!pair.dead) to.destroy();
        open.delete(pair);
      });
      from.on("error", () => {});
    };
    pass(client, upstream, (bytes) => replaced(bytes, "a=candidate:", "a=forgotten:"));
    pass(upstream, client, (bytes) => replaced(bytes, there, here));
    // The page gave a dead one up.
    client.on("close", () => upstream.destroy());
  });
  return {
    listen: () =>
      new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port))),
    abandon() {
      for (const pair of open) pair.dead = true;
      open = new Set();
    },
    close: () => server.close(),
  };
}

// Both are of one length, so that a request's Content-Length stays right.
function replaced(bytes, from, to) {
  const text = bytes.toString("latin1");
  return text.includes(from) ? Buffer.from(text.replaceAll(from, to), "latin1") : bytes;
}
