// What can be done with a finished picture: save, hand on, show, delete.

import { stamp } from "../app/stamp.js";

const byId = (id) => document.getElementById(id);

export function makeResult({ dispatch, say }) {
  let blob = null;
  let address = null; // of the blob, in this page
  let file = null; // for Web Share, which wants it at once
  let drawn = null; // of which job

  // Only a page that came over HTTPS has navigator.canShare.
  function offerShare(name) {
    if (navigator.canShare) file = new File([blob], name, { type: "image/jpeg" });
    byId("hand-on").hidden = !navigator.canShare?.({ files: [file] });
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
    // What is saved and handed on is what is shown: on a bad network nothing comes twice.
    made(...result) {
      [blob, address] = result;
      drawn = null;
    },
    show(job, words) {
      byId("shown").checked = job.share;
      byId("until").textContent = until(job, words);
      if (job.result === drawn) return;
      drawn = job.result;
      const name = `carrier-${job.style}-${stamp(new Date(job.created_at_unix_ms ?? Date.now()))}.jpg`;
      byId("save").href = address;
      byId("save").download = name;
      byId("sure").hidden = true;
      byId("remove").hidden = false;
      offerShare(name);
    },
    leave() {
      drawn = null;
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
