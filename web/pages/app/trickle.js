// The body of a WHEP PATCH (RFC 9725 sections 4.3.2 and 4.3.3, RFC 8840): candidates found after the
// offer, or new ICE credentials; and what the answer to the latter means.

export const TRICKLE_TYPE = "application/trickle-ice-sdpfrag";

// `offer` is the local description; `candidates` are candidate lines without "a=".
export function fragment(offer, candidates, ended) {
  const lines = [
    first(offer, /^a=ice-ufrag:.*$/m),
    first(offer, /^a=ice-pwd:.*$/m),
    first(offer, /^m=.*$/m),
    first(offer, /^a=mid:.*$/m),
    ...candidates.map((line) => `a=${line}`),
    ended ? "a=end-of-candidates" : null,
  ];
  return lines.filter(Boolean).join("\r\n") + "\r\n";
}

// The station's answer with the credentials and candidates of its fragment in place of its old ones.
export function renewedAnswer(answer, renewal) {
  const credentials = {
    "a=ice-ufrag:": first(renewal, /^a=ice-ufrag:.*$/m),
    "a=ice-pwd:": first(renewal, /^a=ice-pwd:.*$/m),
  };
  if (!credentials["a=ice-ufrag:"] || !credentials["a=ice-pwd:"]) {
    throw new Error("a renewal without credentials");
  }
  const candidates = renewal.match(/^a=(candidate:|end-of-candidates).*$/gm) ?? [];
  const lines = [];
  let placed = false;
  for (const line of answer.split(/\r?\n/).filter(Boolean)) {
    if (/^a=(candidate:|end-of-candidates)/.test(line)) continue;
    const name = Object.keys(credentials).find((start) => line.startsWith(start));
    lines.push(name ? credentials[name] : newVersion(line));
    if (name === "a=ice-pwd:" && !placed) {
      lines.push(...candidates.map((candidate) => candidate.trim()));
      placed = true;
    }
  }
  return lines.join("\r\n") + "\r\n";
}

// The third word of o= counts the descriptions of a session (RFC 8866 section 5.2).
function newVersion(line) {
  return line.replace(/^(o=\S+ \S+ )(\d+)/, (_, start, version) => start + (Number(version) + 1));
}

function first(text, pattern) {
  return text.match(pattern)?.[0].trim() ?? null;
}
