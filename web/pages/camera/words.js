// What the camera page says. Pure.

export function stateWords({ name, reason }) {
  switch (name) {
    case "opening":
      return { tone: "busy", text: "Asking for the camera…" };
    case "connecting":
      return { tone: "busy", text: "Connecting…" };
    case "live":
      return { tone: "good", text: "Sending. This camera is the source now." };
    case "mending":
      return { tone: "busy", text: "Connection lost. Looking for another way…" };
    case "waiting":
      return { tone: "bad", text: waitingWords(reason) };
    case "refused":
      return { tone: "bad", text: refusedWords(reason) };
    default:
      return { tone: "busy", text: "Not sending." };
  }
}

function waitingWords(reason) {
  switch (reason?.kind) {
    case "occupied":
      return "Somebody else sends. Waiting for the place.";
    case "unreachable":
      return "The station does not answer. Trying again.";
    case "busy":
      return reason.detail ? `${plain(reason.detail)}. Trying again.` : "The station is busy. Trying again.";
    default:
      return "Connection lost. Trying again.";
  }
}

function refusedWords(reason) {
  switch (reason?.kind) {
    case "token":
      return "The token is not right.";
    case "codec":
      return "This browser cannot send H.264, and the station takes nothing else.";
    case "denied":
      return "The browser was told not to give its camera. Allow it in the page's settings.";
    case "missing":
      return "This device has no camera.";
    case "taken":
      return "Another program uses the camera.";
    default:
      return reason?.detail ? `The camera cannot be used: ${plain(reason.detail)}.` : "The camera stopped.";
  }
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

export function rateWords({ bps, width, height, fps }) {
  const parts = [];
  if (width && height) parts.push(`${width} × ${height}`);
  if (fps) parts.push(`${Math.round(fps)} fps`);
  if (bps !== null) {
    parts.push(bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bps / 1e3)} kbit/s`);
  }
  return parts.join(", ");
}
