// SDP bodies rewritten so that media has one way only: through the relay. Pure.

// A viewer's own addresses are taken out: the station learns the relay's from the first check.
export function withoutCandidates(sdp) {
  return sdp.replace(/^a=candidate:.*\r?\n?/gm, "");
}

// The station's candidates, whatever they are, become one: the relay's.
export function onlyCandidate(sdp, { address, port }) {
  const candidate = `a=candidate:1 1 udp 2130706431 ${address} ${port} typ host`;
  let kept = false;
  return sdp.replace(/^a=candidate:.*?(\r?\n|$)/gm, (_, end) => {
    if (kept) return "";
    kept = true;
    return `${candidate}${end}`;
  });
}
