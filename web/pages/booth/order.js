// Sends one order. XMLHttpRequest, since fetch tells nothing of how far an upload is.

const JOBS = "api/stylise";

// `made_by`: who the visitor was told makes it; nobody else gets the picture.
export function form({ style, made_by, share }, photo) {
  const fields = new FormData();
  fields.append("style", style);
  if (made_by) fields.append("made_by", made_by);
  fields.append("share", String(share));
  fields.append("image", photo, "photo");
  return fields;
}

// `tell` gets the events progress, answer and unreachable of visit.js. Returns what gives it up.
export function sendOrder(order, photo, tell) {
  const request = new XMLHttpRequest();
  let wanted = true;
  let complete = false;
  request.open("POST", JOBS);
  request.setRequestHeader("Idempotency-Key", order.key);
  request.upload.onprogress = ({ loaded, total }) => {
    if (wanted) tell({ type: "progress", sent: loaded, total });
  };
  request.upload.onload = () => (complete = true);
  request.onload = () => {
    const answer = read(request);
    if (wanted) tell(answer);
    // Given up too late: the station has it already.
    else if (answer.id) fetch(`${JOBS}/${answer.id}`, { method: "DELETE" }).catch(() => {});
  };
  request.onerror = () => wanted && tell({ type: "unreachable" });
  request.send(form(order, photo));

  // `retried`: the same order follows, so what the station may have of it is kept.
  return ({ retried }) => {
    wanted = false;
    if (retried || !complete) request.abort();
  };
}

function read(request) {
  const body = parsed(request.responseText);
  const seconds = Number(request.getResponseHeader("Retry-After"));
  return {
    type: "answer",
    status: request.status,
    id: request.status === 202 ? (body.id ?? null) : null,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
    detail: body.error ?? "",
  };
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
