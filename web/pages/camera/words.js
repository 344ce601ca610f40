// What the camera page says, in the language that `words` or its `say` speaks (app/language.js). Pure.

import { bitrateWords } from "../app/figures.js";

// What the station or the browser says of a trouble is shown as it comes.
export function stateWords(say, { name, reason }) {
  switch (name) {
    case "waiting":
      return { tone: "bad", text: waitingWords(say, reason) };
    case "refused":
      return { tone: "bad", text: refusedWords(say, reason) };
    case "live":
      return { tone: "good", text: say("sender.state.live") };
    default:
      return { tone: "busy", text: say(`sender.state.${name}`) };
  }
}

function waitingWords(say, reason) {
  const { kind, detail } = reason ?? {};
  if (kind === "busy" && detail) return say("sender.waiting.told", { detail: plain(detail) });
  const known = ["occupied", "unreachable", "busy"].includes(kind);
  return say(`sender.waiting.${known ? kind : "lost"}`);
}

function refusedWords(say, reason) {
  const { kind, detail } = reason ?? {};
  if (["token", "codec", "denied", "missing", "taken"].includes(kind)) return say(`sender.refused.${kind}`);
  return detail ? say("sender.refused.told", { detail: plain(detail) }) : say("sender.refused.ended");
}

function plain(text) {
  return text.replace(/[.\s]+$/, "");
}

// What getUserMedia's error means.
export function cameraTrouble(error) {
  const kinds = {
    NotAllowedError: "denied",
    SecurityError: "denied",
    NotFoundError: "missing",
    OverconstrainedError: "missing",
    NotReadableError: "taken",
    AbortError: "taken",
  };
  return { kind: kinds[error?.name] ?? "camera", detail: error?.message ?? "" };
}

export function rateWords(words, { bps, width, height, fps }) {
  const parts = [];
  if (width && height) parts.push(`${width} × ${height}`);
  if (fps) parts.push(words.say("live.fps", { fps: words.number(fps) }));
  if (bps !== null) parts.push(bitrateWords(words, bps));
  return parts.join(", ");
}
