// Several pictures of the gallery at once: which ones are chosen, and what is done with them.

import { byId, setText } from "../app/page.js";
import { ask } from "./api.js";

const AT_ONCE = 100; // ids in one request
const HOUR_MS = 3600e3;

// The ids that a choice means: "all", "none", "today", or "older" with hours ("older.6").
export function chosenIds(choice, pictures, nowMs) {
  const [kind, hours] = choice.split(".");
  const isChosen = {
    all: () => true,
    today: ({ made_at_unix_ms: at }) => new Date(at).toDateString() === new Date(nowMs).toDateString(),
    older: ({ made_at_unix_ms: at }) => at < nowMs - Number(hours) * HOUR_MS,
  }[kind];
  return isChosen ? pictures.filter(isChosen).map(({ id }) => id) : [];
}

// Does something with pictures, in parts that a station takes. Gives {done, status}: how many it was done with, and
// the status of the last answer.
export async function changePictures(action, ids) {
  let done = 0;
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const body = { action, ids: ids.slice(from, from + AT_ONCE) };
    const answer = await ask("POST", "api/admin/gallery", { body, timeoutMs: 60000 });
    if (answer.status !== 200) return { ...answer, done };
    done += answer.data.results.filter(({ outcome }) => outcome === "done").length;
  }
  return { status: 200, done };
}

// `act(action, ids)` does it; `pictures()` gives the list.
export function makeBulk({ words, pictures, nowMs, act }) {
  const chosen = new Set();
  const buttons = ["show", "hide", "erase"].map((action) => ({ action, button: byId(`bulk-${action}`) }));
  const sure = byId("bulk-erase");

  function draw() {
    for (const { action, button } of buttons) {
      button.disabled = chosen.size === 0;
      const isSure = action === "erase" && sure.dataset.sure;
      setText(button, words().say(isSure ? "control.bulk.sure" : `control.bulk.${action}`, { n: chosen.size }));
    }
    for (const box of byId("grid").querySelectorAll("input")) box.checked = chosen.has(box.value);
  }

  function calm() {
    delete sure.dataset.sure;
    sure.classList.remove("bad");
    draw();
  }

  function press(action) {
    // The second press is the confirmation.
    if (action === "erase" && !sure.dataset.sure) {
      sure.dataset.sure = "yes";
      sure.classList.add("bad");
      return draw();
    }
    const ids = [...chosen];
    chosen.clear();
    calm();
    return act(action, ids);
  }

  for (const { action, button } of buttons) button.addEventListener("click", () => press(action));
  sure.addEventListener("blur", calm);
  byId("bulk-choice").addEventListener("change", ({ target }) => {
    chosen.clear();
    for (const id of chosenIds(target.value, pictures(), nowMs())) chosen.add(id);
    target.value = "";
    calm();
  });

  return {
    pick(id, yes) {
      if (yes) chosen.add(id);
      else chosen.delete(id);
      calm();
    },
    // Pictures that are gone are not chosen any more.
    draw() {
      const there = new Set(pictures().map(({ id }) => id));
      for (const id of chosen) if (!there.has(id)) chosen.delete(id);
      byId("bulk").hidden = there.size === 0;
      draw();
    },
  };
}
