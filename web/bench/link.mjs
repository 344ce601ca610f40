// A lossy network between viewers and a station: a UDP relay (the example lossy_link) for media, and an HTTP proxy
// that rewrites candidates so that media takes the relay.

import { spawn } from "node:child_process";
import http from "node:http";
import readline from "node:readline";

// Gives {address, port, order(line), end()}; an order resolves to the relay's answer. `isShared`: viewers have one
// bottleneck.
export async function startLossyLink({ binary, mediaPort, seed = 1, isShared = false }) {
  const args = [`127.0.0.1:${mediaPort}`, "127.0.0.1:0", String(seed), ...(isShared ? ["shared"] : [])];
  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: child.stdout });
  const answers = lines[Symbol.asyncIterator]();
  const ended = new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", done);
  });
  ended.catch(() => {});
  // Of a relay that has ended; next() says so.
  child.stdin.on("error", () => {});
  const next = async () => {
    const line = await Promise.race([answers.next(), ended]);
    if (!line?.value) throw new Error("the lossy link ended");
    const answer = JSON.parse(line.value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
  const { port } = await next();
  return {
    address: "127.0.0.1",
    port,
    // The relay answers one order after the other.
    order: (line) => {
      child.stdin.write(`${line}\n`);
      return next();
    },
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
}

const SDP = /^application\/(sdp|trickle-ice-sdpfrag)/i;

// `station` is a URL, `relay` a started link. Gives {url, end()}.
export async function startProxy(station, relay) {
  const target = new URL(station);
  const server = http.createServer((request, response) => {
    forward(target, relay, request, response).catch(() => response.destroy());
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    end: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

async function forward(target, relay, request, response) {
  const { method, url, headers } = request;
  const ask = { host: target.hostname, port: target.port, method, path: url };
  const carriesSdp = SDP.test(headers["content-type"] ?? "");
  if (!carriesSdp) {
    const onwards = http.request({ ...ask, headers });
    request.pipe(onwards);
    return answer(relay, await reply(onwards), response);
  }
  const body = Buffer.from(withoutCandidates(await text(request)));
  const onwards = http.request({
    ...ask,
    headers: { ...headers, "content-length": body.length },
  });
  onwards.end(body);
  return answer(relay, await reply(onwards), response);
}

async function answer(relay, incoming, response) {
  if (!SDP.test(incoming.headers["content-type"] ?? "")) {
    response.writeHead(incoming.statusCode, incoming.headers);
    response.once("close", () => incoming.destroy());
    return incoming.pipe(response);
  }
  const body = Buffer.from(onlyCandidate(await text(incoming), relay));
  const headers = { ...incoming.headers, "content-length": body.length };
  delete headers["transfer-encoding"];
  response.writeHead(incoming.statusCode, headers);
  return response.end(body);
}

function reply(request) {
  return new Promise((done, failed) => request.once("response", done).once("error", failed));
}

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

// Removes a viewer's own addresses: the station learns the relay's from the first connectivity check.
export function withoutCandidates(sdp) {
  return sdp.replace(/^a=candidate:.*\r?\n?/gm, "");
}

// Replaces all candidates of the station by the relay.
export function onlyCandidate(sdp, { address, port }) {
  const candidate = `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host`;
  let kept = false;
  return sdp.replace(/^a=candidate:.*?(\r?\n|$)/gm, (_, end) => {
    if (kept) return "";
    kept = true;
    return `${candidate}${end}`;
  });
}
