// STUN and TURN servers out of a WHEP endpoint's Link headers (RFC 9725 section 4.6). Pure.

// Several Link headers come to scripts as one text with commas between them; addresses and quoted
// strings may hold commas too.
const LINK = /<([^<>]*)>((?:\s*;\s*[\w-]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)/g;
const PARAMETER = /;\s*([\w-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?/g;

// `header` may be null. Gives what RTCPeerConnection takes as iceServers.
export function iceServers(header) {
  const servers = [];
  for (const [, url, rest] of (header ?? "").matchAll(LINK)) {
    const parameters = read(rest);
    if (!/\bice-server\b/i.test(parameters.rel ?? "") || !/^(stun|turn)s?:/i.test(url)) continue;
    const server = { urls: url };
    // A browser throws at a TURN server without both, and with it would go the whole connection.
    if (/^turn/i.test(url)) {
      if (parameters.username === undefined || parameters.credential === undefined) continue;
      server.username = parameters.username;
      server.credential = parameters.credential;
    }
    servers.push(server);
  }
  return servers;
}

function read(text) {
  const parameters = {};
  for (const [, name, quoted, bare] of text.matchAll(PARAMETER)) {
    parameters[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
  }
  return parameters;
}
