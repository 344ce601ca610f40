// The texts of the booth's states, as keys of the language files with their values. Pure.

const WAITS = { server: "queue.away", others: "queue.others" };
const MADE = ["work.running"];
const NOTHING = { title: null, detail: null, share: null, own: "" };

// {title, detail, share, own}: `title` and `detail` are [key, values] or null; `share` is the progress, 0 to 1, or
// null where it is unknown; `own` is the station's own text, shown unchanged. `making`: see makingWords().
export function workWords(state, now, making = MADE) {
  if (state.name === "sending") return sendingWords(state, now);
  if (state.name === "fetching") return fetchingWords(state, now);
  if (state.name !== "waiting") return NOTHING;
  if (state.cancelling) return { ...NOTHING, title: ["work.cancelling"] };
  // Said before the station went away, so that it holds while it does not answer.
  if (state.job?.waits_for === "restart") {
    return { ...NOTHING, title: ["work.restarting"], detail: ["work.unreachable.detail"] };
  }
  if (!state.reachable) {
    return { ...NOTHING, title: ["work.unreachable"], detail: ["work.unreachable.detail"] };
  }
  const said = jobWords(state.job, making);
  // The station's note is left out where the page has a translated text for it.
  return { ...said, own: WAITS[state.job?.waits_for] ? "" : (state.job?.note ?? "") };
}

function sendingWords(state, now) {
  if (state.retryAt !== null) {
    if (state.why === "offline") return { ...NOTHING, title: ["send.offline"], detail: ["send.offline.detail"] };
    const title = { busy: "send.busy", broken: "send.broken" }[state.why] ?? "send.unreachable";
    return { ...NOTHING, title: [title], detail: againWords(state.retryAt, now) };
  }
  if (!state.total) return { ...NOTHING, title: ["send.begin"] };
  const share = Math.min(state.sent / state.total, 1);
  if (share === 1) return { ...NOTHING, title: ["send.checking"], share };
  const values = { sent: kilobytes(state.sent), total: kilobytes(state.total) };
  const title = ["send.percent", { percent: Math.floor(share * 100) }];
  return { ...NOTHING, title, detail: ["send.bytes", values], share };
}

function againWords(retryAt, now) {
  return ["send.again", { count: Math.max(Math.ceil((retryAt - now) / 1000), 1) }];
}

function fetchingWords({ sent, total, retryAt }, now) {
  const share = total ? Math.min(sent / total, 1) : null;
  if (retryAt !== null) {
    return { ...NOTHING, title: ["fetch.cut"], detail: againWords(retryAt, now), share };
  }
  if (!sent || share === null) return { ...NOTHING, title: ["fetch.begin"], share };
  const values = { sent: kilobytes(sent), total: kilobytes(total) };
  const title = ["fetch.percent", { percent: Math.floor(share * 100) }];
  return { ...NOTHING, title, detail: ["send.bytes", values], share };
}

function jobWords(job, making) {
  switch (job?.state) {
    case "queued": {
      const waits = WAITS[job.waits_for];
      const detail = waits ? [waits] : waitWords(job.expected_wait_s);
      return { ...NOTHING, title: queueWords(job.position), detail };
    }
    case "uploading":
      return { ...NOTHING, title: ["work.uploading"] };
    case "running":
      return runningWords(job, making);
    default:
      return { ...NOTHING, title: ["work.asking"] };
  }
}

function runningWords({ step, steps, expected_wait_s }, title) {
  const share = steps ? (step ?? 0) / steps : null;
  return { ...NOTHING, title, detail: waitWords(expected_wait_s), share };
}

// What is said while the job's style is made: its own text, or one with its title.
export function makingWords({ job }, offer, words) {
  const style = offer?.styles.find(({ id }) => id === job?.style);
  if (!style) return MADE;
  const own = `making.${slug(style.title)}`;
  return words.knows(own) ? [own] : ["work.making", { style: styleTitle(style, words) }];
}

// `position`: how many jobs are made before this one.
function queueWords(position) {
  if (position === null || position === undefined) return ["queue.waiting"];
  return position === 0 ? ["queue.next"] : ["queue.ahead", { count: position }];
}

// Rounded up to five seconds, from a minute on to whole minutes.
export function waitWords(seconds) {
  if (seconds === null || seconds === undefined) return null;
  if (seconds < 55) return ["wait.seconds", { count: Math.max(Math.ceil(seconds / 5) * 5, 5) }];
  return ["wait.minutes", { count: Math.max(Math.round(seconds / 60), 1) }];
}

export function kilobytes(bytes) {
  return Math.round(bytes / 1000);
}

// As workWords(); `again`: whether another attempt may help.
export function troubleWords(trouble) {
  const known = ["400", "401", "404", "413", "415", "422", "503", "job"];
  const kind = known.includes(trouble.kind) ? trouble.kind : "other";
  return {
    title: [`trouble.${kind}`],
    detail: [`trouble.${kind}.detail`],
    own: trouble.detail,
    again: ["422", "503", "job", "other"].includes(kind),
  };
}

// Who gets the picture, by who makes the style, and how long it is kept. `erases`: whether the station overwrites
// pictures on the picture server when they are done.
export function consentWords(madeBy, keepS, erases) {
  const who = [madeBy === "comfyui" ? serverConsent(erases) : "consent.laptop"];
  if (!keepS) return [who, ["consent.erased"]];
  const hours = keepS / 3600;
  if (hours < 1) return [who, ["consent.minutes", { count: Math.max(Math.round(keepS / 60), 1) }]];
  return [who, ["consent.hours", { count: Math.round(hours) }]];
}

// What is said of a finished picture that is not in the gallery, as a key; null: nothing.
export function sharingWords({ share, withheld }, offer) {
  if (offer?.gallery === false) return null;
  if (share) return { waits: "done.waits", refused: "done.refused" }[withheld] ?? null;
  return offer?.sharing_paused ? "consent.paused" : null;
}

export function serverConsent(erases) {
  return erases ? "consent.comfyui" : "consent.comfyui.stays";
}

// The title of a style, translated where the language file has it. By the title, not by the id: an owner's own
// style may have the id "comic" and another title.
export function styleTitle({ title }, words) {
  const key = `styles.${slug(title)}`;
  return words.knows(key) ? words.say(key) : title;
}

function slug(title) {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}
