// Everything the page says about its state, in plain words of the language that `words` or its `say`
// speaks (language.js). Pure.
// What the station says in its own words is English: in another language a sentence of that language
// stands before it.
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
  return [sourceWords(say, source), detectorWords(say, detector), noteWords(say, source)].filter(Boolean);
}

function sourceWords(say, source) {
  if (source.state === "lost") {
    const { reason } = source;
    const text = reason ? say("live.source.because", { reason }) : say("live.source.lost");
    return { tone: "bad", text: sentence(text) };
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
  const plain = isForVisitors(message) ? message.replace(/[.:\s]+$/, "") : null;
  const trouble = plain ? say(`live.model.because.${state}`, { message: plain }) : say(`live.model.${state}`);
  const isNew = isForVisitors(fix) && !trouble.includes(fix);
  return isNew ? say("live.model.fix", { trouble, command: fix }) : sentence(trouble);
}

const LONGEST = 100;

// Paths are for the owner, in the log and in `carrier doctor`; so is what no phone's screen can hold.
function isForVisitors(text) {
  return Boolean(text) && text.length <= LONGEST && !/[\\/]/.test(text);
}

// What is worth telling of a change of the source: somebody's camera came, or went.
export function changeWords(say, before, after) {
  if (before?.state !== "live" || after?.state !== "live") return null;
  if (!after.published) return before.published ? say("live.house") : null;
  if (before.published && before.description === after.description) return null;
  return say("live.guest", { source: after.description });
}

function noteWords(say, { note }) {
  return note ? { tone: "busy", text: sentence(say("live.note", { note })) } : null;
}

function sentence(text) {
  const plain = text.trim();
  return /[.!?…)]$/.test(plain) ? plain : `${plain}.`;
}

// Text to [{text, code}] at its backticks.
export function pieces(text) {
  return text
    .split("`")
    .map((part, index) => ({ text: part, code: index % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}
