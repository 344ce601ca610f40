// An HTTP proxy in front of a station that leads media through the relay.

import http from "node:http";
import { onlyCandidate, withoutCandidates } from "./candidates.mjs";

const SDP = /^application\/(sdp|trickle-ice-sdpfrag)/i;

// station: its URL. Gives {url, end()}.
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
