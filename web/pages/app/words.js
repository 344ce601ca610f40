// Everything the page says about its state, in plain words. Pure.
// A text may hold commands between backticks; the page sets them in a fixed-width face.

const REFUSED = {
  401: "This station needs the link with the token. Ask whoever runs it.",
  429: "The station has as many viewers from here as it takes. Waiting for a place.",
  503: "The station is full. Waiting for a place.",
};

// {tone, short, long}: `short` stands in the badge, `long` in the middle or in a notice ("" for
// none). Tones: good, busy, bad.
export function connectionWords(state, status = null) {
  switch (state.name) {
    case "live":
      // The connection lives, but what it brings is the "no signal" card.
      if (status?.source?.state === "lost") return { tone: "bad", short: "No signal", long: "" };
      return { tone: "good", short: "Live", long: "" };
    case "connecting":
      if (state.refused) return { tone: "busy", short: "Waiting", long: REFUSED[state.refused] };
      return { tone: "busy", short: "Connecting…", long: "" };
    case "fallback":
      return { tone: "busy", short: "Simple stream", long: fallbackWords(state) };
    case "asleep":
      return { tone: "busy", short: "Paused", long: "Paused while nobody was looking." };
    default:
      return { tone: "bad", short: "Reconnecting", long: lostWords(state) };
  }
}

function fallbackWords(state) {
  if (!state.webrtc) return "Showing the simple stream: this browser cannot play the live one.";
  if (state.refused === 503) return "Showing the simple stream: the station is full. Still trying.";
  return "Showing the simple stream: WebRTC is blocked here. Still trying.";
}

function lostWords(state) {
  if (state.refused) return REFUSED[state.refused];
  // Without a picture so far there was nothing to lose.
  if (state.pictureAt === null) return "The station does not answer. Trying again.";
  return "Connection lost. Trying again.";
}

// What the station says about itself, most pressing first: [{tone, text}].
export function stationWords(status) {
  if (!status) return [];
  const { source = {}, detector = {} } = status;
  return [sourceWords(source), detectorWords(detector), noteWords(source)].filter(Boolean);
}

function sourceWords(source) {
  if (source.state === "lost") {
    return {
      tone: "bad",
      text: sentence(source.reason ?? "No picture from the camera. Waiting for it"),
    };
  }
  if (source.state === "opening") return { tone: "busy", text: "Opening the camera…" };
  return null;
}

function detectorWords(detector) {
  const fix = detector.fix ? `run \`${detector.fix}\`` : "";
  switch (detector.state) {
    case "missing":
      return { tone: "busy", text: join(detector.message ?? "No model installed", fix) };
    case "failed":
      return { tone: "bad", text: join(detector.message ?? "Detection stopped", fix) };
    case "warming":
      return { tone: "busy", text: "The detector is warming up." };
    default:
      return null;
  }
}

function noteWords(source) {
  return source.note ? { tone: "busy", text: sentence(source.note) } : null;
}

function join(message, fix) {
  const plain = message.replace(/[.:\s]+$/, "");
  return fix ? `${plain}: ${fix}` : `${plain}.`;
}

function sentence(text) {
  const plain = text.trim();
  return /[.!?…]$/.test(plain) ? plain : `${plain}.`;
}

// Text to [{text, code}] at its backticks.
export function pieces(text) {
  return text
    .split("`")
    .map((part, index) => ({ text: part, code: index % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}

export function bitrateWords(bps) {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bps / 1e3)} kbit/s`;
}

export function shareWords(share) {
  if (share === 0) return "0 %";
  return share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

// Whether the feed is sent on to another server: {text, title}, or null when nobody asked for that.
export function publishWords(publish) {
  if (!publish) return null;
  const texts = { live: "live", connecting: "connecting", waiting: "trying again", refused: "refused" };
  const text = texts[publish.state] ?? publish.state;
  return { text, title: [publish.host, publish.reason].filter(Boolean).join(": ") };
}
