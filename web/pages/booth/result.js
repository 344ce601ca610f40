// What can be done with a finished picture: save, hand on, show, delete.

import { stamp } from "../app/stamp.js";

const byId = (id) => document.getElementById(id);

export function makeResult({ dispatch, say }) {
  let file = null; // for Web Share, which wants it at once
  let address = null;

  // Only a page that came over HTTPS has navigator.canShare.
  async function offerShare(job, name) {
    const button = byId("hand-on");
    if (!navigator.canShare) return;
    const blob = await fetch(job.result).then((response) => response.blob(), () => null);
    if (!blob || address !== job.result) return;
    file = new File([blob], name, { type: "image/jpeg" });
    button.hidden = !navigator.canShare({ files: [file] });
  }

  byId("hand-on").addEventListener("click", () => {
    // Called off by the visitor: nothing to say.
    navigator.share({ files: [file] }).catch(() => {});
  });
  byId("shown").addEventListener("change", () => dispatch({ type: "show" }));
  byId("remove").addEventListener("click", () => ask(true));
  byId("keep").addEventListener("click", () => ask(false));
  byId("really").addEventListener("click", () => dispatch({ type: "remove" }));
  byId("sure").addEventListener("keydown", (event) => event.key === "Escape" && ask(false));

  function ask(yes) {
    byId("sure").hidden = !yes;
    byId("remove").hidden = yes;
    byId(yes ? "keep" : "remove").focus();
    if (yes) say(byId("sure-words").textContent);
  }

  return {
    show(job, words) {
      byId("shown").checked = job.share;
      byId("until").textContent = until(job, words);
      if (job.result === address) return;
      address = job.result;
      const name = `carrier-${job.style}-${stamp(new Date(job.created_at_unix_ms ?? Date.now()))}.jpg`;
      byId("save").href = job.result;
      byId("save").download = name;
      byId("hand-on").hidden = true;
      byId("sure").hidden = true;
      byId("remove").hidden = false;
      offerShare(job, name);
    },
    leave() {
      address = null;
      file = null;
    },
  };
}

function until(job, words) {
  if (!job.expires_at_unix_ms) return "";
  const form = { weekday: "long", hour: "numeric", minute: "2-digit" };
  const time = new Date(job.expires_at_unix_ms).toLocaleString(words.language, form);
  return words.say("done.until", { time });
}
