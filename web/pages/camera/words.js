// The texts of the camera page's states; `words` and `say` are those of app/language.js. Pure.

import { bitrateWords } from "../app/stats.js";

// A reason of the station or of the browser is shown unchanged.
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

// Why getUserMedia() failed.
export function cameraError(error) {
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

export function tokenIn(hash) {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token")?.trim() || null;
}
