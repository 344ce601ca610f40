// Prints of the result: asks for copies, and says how far they are.

import { byId, setText } from "../app/page.js";

const POLL_MS = 3000;
const OPEN = ["waiting", "sending"];

// What is said of the print {state, copies_left, approval}, as a key of the language files; null: nothing.
export function printWords({ state, copies_left, approval }, failed = false) {
  if (failed) return "print.failed";
  if (state) return `print.${state}`;
  if (copies_left === 0) return "print.none";
  return approval ? "print.approval" : null;
}

export function canAsk({ state, copies_left }) {
  return copies_left > 0 && !OPEN.includes(state);
}

export function makePrint() {
  let id = null; // of the job
  let report = null; // the station's last answer
  let failed = false; // the last request did not reach the printer's queue
  let words = null;
  let timer = 0;

  async function request(init) {
    const mine = id;
    clearTimeout(timer);
    try {
      const response = await fetch(`api/stylise/${id}/print`, { cache: "no-store", ...init });
      if (mine !== id) return;
      // A poll that fails changes nothing: the next one may not.
      if (response.ok) [report, failed] = [await response.json(), false];
      else if (init) failed = true;
    } catch {
      if (mine === id && init) failed = true;
    }
    if (mine !== id) return;
    if (OPEN.includes(report?.state)) timer = setTimeout(request, POLL_MS);
    draw();
  }

  function draw() {
    byId("print").hidden = !report;
    if (!report || !words) return;
    const may = canAsk(report);
    byId("print-ask").disabled = !may;
    const copies = byId("print-copies");
    if (copies.options.length !== report.copies_left) {
      const counts = Array.from({ length: report.copies_left }, (_, index) => index + 1);
      copies.replaceChildren(...counts.map((count) => new Option(`${count} ×`, String(count))));
    }
    copies.hidden = !may || report.copies_left < 2;
    const key = printWords(report, failed);
    setText(byId("print-state"), key ? words.say(key) : "");
    byId("print-state").hidden = !key;
  }

  byId("print-ask").addEventListener("click", () => {
    const copies = Number(byId("print-copies").value) || 1;
    request({
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ copies }),
    });
  });

  return {
    show(job, next) {
      words = next;
      if (job.id !== id) {
        id = job.id;
        report = job.print ?? null;
        failed = false;
        if (OPEN.includes(report?.state)) timer = setTimeout(request, POLL_MS);
      }
      draw();
    },
    leave() {
      clearTimeout(timer);
      id = report = null;
      draw();
    },
  };
}
