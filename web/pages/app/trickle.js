// The body of a WHEP PATCH (RFC 9725 section 4.3.2, RFC 8840): candidates found after the offer.

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

function first(text, pattern) {
  return text.match(pattern)?.[0].trim() ?? null;
}
