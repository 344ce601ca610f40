// What the statistics say, in the language that `words` or its `say` speaks (language.js). Pure.

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
