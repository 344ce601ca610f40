// Everything the page says about its state, in plain words of the language that `words` or its `say`
// speaks (language.js). Pure.
// A text may hold commands between backticks; the page sets them in a fixed-width face.

// {tone, short, long}: `short` stands in the badge, `long` in the middle or in a notice ("" for
// none). Tones: good, busy, bad.
export function connectionWords(say, state, status = null) {
  const words = (tone, short, long = "") => ({ tone, short: say(`live.state.${short}`), long });
  switch (state.name) {
    case "live":
      // The connection lives, but what it brings is the "no signal" card.
      if (status?.source?.state === "lost") return words("bad", "lost");
      return words("good", "live");
    case "connecting":
      if (state.refused) return words("busy", "waiting", say(`live.refused.${state.refused}`));
      return words("busy", "connecting");
    case "fallback":
      return words("busy", "simple", say(fallbackKey(state)));
    case "asleep":
      return words("busy", "asleep", say("live.asleep"));
    default:
      return words("bad", "reconnecting", say(lostKey(state)));
  }
}

function fallbackKey(state) {
  if (!state.webrtc) return "live.simple.unable";
  return state.refused === 503 ? "live.simple.full" : "live.simple.blocked";
}

function lostKey(state) {
  if (state.refused) return `live.refused.${state.refused}`;
  // Without a picture so far there was nothing to lose.
  return state.pictureAt === null ? "live.silent" : "live.cut";
}

// What the station says about itself, most pressing first: [{tone, text}]. Its own sentences, which
// name devices and commands, are shown as they come.
export function stationWords(say, status) {
  if (!status) return [];
  const { source = {}, detector = {} } = status;
  return [sourceWords(say, source), detectorWords(say, detector), noteWords(source)].filter(Boolean);
}

function sourceWords(say, source) {
  if (source.state === "lost") {
    return { tone: "bad", text: sentence(source.reason ?? say("live.source.lost")) };
  }
  if (source.state === "opening") return { tone: "busy", text: say("live.source.opening") };
  return null;
}

function detectorWords(say, detector) {
  switch (detector.state) {
    case "missing":
      return { tone: "busy", text: troubleWords(say, detector) };
    case "failed":
      return { tone: "bad", text: troubleWords(say, detector) };
    case "warming":
      return { tone: "busy", text: say("live.model.warming") };
    default:
      return null;
  }
}

function troubleWords(say, { state, message, fix }) {
  const trouble = (message ?? say(`live.model.${state}`)).replace(/[.:\s]+$/, "");
  return fix ? say("live.model.fix", { trouble, command: fix }) : `${trouble}.`;
}

function noteWords(source) {
  return source.note ? { tone: "busy", text: sentence(source.note) } : null;
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

export function bitrateWords({ number }, bps) {
  return bps >= 1e6 ? `${number(bps / 1e6, 1)} Mbit/s` : `${number(bps / 1e3)} kbit/s`;
}

export function shareWords({ number }, share) {
  if (share === 0) return `${number(0)} %`;
  return share < 0.001 ? `< ${number(0.1, 1)} %` : `${number(share * 100, 1)} %`;
}

// How old the picture is; not `exact`: worked out from what this side can know.
export function latencyWords({ say, number }, ms, exact) {
  return exact ? `${number(ms)} ms` : say("live.about", { ms: number(ms) });
}

// {text, title}: how fast the detector is, or why it is not; `text` is null where nobody knows.
export function detectorRate({ say, number }, detector) {
  if (detector?.state === "running" && typeof detector.fps === "number") {
    const key = detector.experimental ? "live.detector.experimental" : "live.detector.runs";
    const { model, provider } = detector;
    return { text: say("live.fps", { fps: number(detector.fps) }), title: say(key, { model, provider }) };
  }
  return { text: detector ? stateWords(say, "live.detector", detector.state) : null, title: "" };
}

// Whether the feed is sent on to another server: {text, title}, or null when nobody asked for that.
export function publishWords(say, publish) {
  if (!publish) return null;
  const text = stateWords(say, "live.publish", publish.state);
  return { text, title: [publish.host, publish.reason].filter(Boolean).join(": ") };
}

// A state that has no words (yet) is called what the station calls it.
function stateWords(say, of, state) {
  const key = `${of}.${state}`;
  const text = say(key);
  return text === key ? state : text;
}
