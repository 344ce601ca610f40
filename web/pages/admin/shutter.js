// The shutter: its state, and the button that changes it. A change is shown when the station has confirmed it.

import { byId, setText } from "../app/page.js";
import { ask, isGone } from "./api.js";
import { failureWords, shutterWords } from "./words.js";

const PATH = "api/shutter";

// `nowMs()` is the station's time, `announce(text)` speaks, `answered(answer)` is told of every answer to a change.
export function makeShutter({ words, nowMs, announce, answered }) {
  let shutter = null;
  let wanted = null; // what a running request asks for
  let serial = 0; // of the requests that change it
  let fault = ""; // why the last change was not made
  let doubt = ""; // said with it until the state is known again

  function draw() {
    const said = shutterWords(words(), shutter, nowMs());
    const section = byId("shutter");
    section.dataset.closed = String(said.isClosed);
    setText(byId("shutter-state"), said.state);
    setText(byId("shutter-since"), said.since);
    setText(byId("shutter-reason"), said.reason);
    byId("shutter-kept").hidden = shutter?.kept !== false;
    const busy = wanted && words().say(wanted.closed ? "control.shutter.closing" : "control.shutter.opening");
    setText(byId("shutter-button"), busy ?? said.button);
    byId("shutter-button").setAttribute("aria-disabled", String(wanted !== null));
    setText(byId("shutter-fault"), `${fault} ${doubt}`.trim());
    byId("shutter-fault").hidden = !fault;
  }

  function take(next) {
    const isNew = shutter !== null && shutter.closed !== next.closed;
    shutter = next;
    if (isNew) fault = "";
    doubt = "";
    draw();
    const said = shutterWords(words(), shutter, nowMs());
    if (isNew) announce(`${said.state} ${said.since}`);
  }

  async function change() {
    if (wanted !== null) return;
    const reason = byId("shutter-why").value.trim();
    wanted = { closed: shutter === null ? true : !shutter.closed, ...(reason && { reason }) };
    serial += 1;
    fault = "";
    doubt = "";
    draw();
    const answer = await ask("PUT", PATH, { body: wanted });
    const asked = wanted;
    wanted = null;
    serial += 1;
    if (answer.status === 200) {
      byId("shutter-why").value = "";
      fault = "";
      take(answer.data);
    } else {
      fault = failureWords(words(), answer);
      // A camera that is to be closed must not be thought closed.
      if (isGone(answer)) doubt = words().say(asked.closed ? "control.shutter.doubt" : "control.shutter.still");
      draw();
    }
    answered(answer);
  }

  byId("shutter-button").addEventListener("click", change);

  return {
    draw,
    // An answer that was on its way while the shutter was changed is outdated.
    async load() {
      const mine = serial;
      const answer = await ask("GET", PATH);
      if (answer.status === 200 && mine === serial && wanted === null) take(answer.data);
      return answer;
    },
    forget() {
      shutter = null;
      fault = "";
      doubt = "";
    },
  };
}
