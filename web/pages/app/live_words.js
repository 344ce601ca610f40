// The texts of the live page. The English ones are part of this module, so that nothing is fetched before the
// picture; another language is fetched when the offer has gone out.

import { retried } from "./backoff.js";
import { makeWords, wanted, wantsEnglish } from "./language.js";

// As in lang/en.json, which is the list to translate from; a test compares the two. Texts that stand in
// index.html are not here.
export const ENGLISH = {
  "live.state.live": "Live",
  "live.state.connecting": "Connecting…",
  "live.state.waiting": "Waiting",
  "live.state.simple": "Simple stream",
  "live.state.asleep": "Paused",
  "live.state.reconnecting": "Reconnecting",
  "live.state.lost": "No signal",
  "live.state.closed": "Closed",
  "live.asleep": "Paused while nobody was looking.",
  "live.simple.unable": "Showing the simple stream: this browser cannot play the live one.",
  "live.simple.full": "Showing the simple stream: the station is full. Still trying.",
  "live.simple.blocked": "Showing the simple stream: WebRTC is blocked here. Still trying.",
  "live.refused.401": "This station needs the link with the token. Ask whoever runs it.",
  "live.refused.429": "The limit of viewers for your network is reached. Waiting for a place.",
  "live.refused.503": "The station is full. Waiting for a place.",
  "live.silent": "The station does not answer. Trying again.",
  "live.cut": "Connection lost. Trying again.",
  "live.restarting": "The station restarts. The picture comes back by itself.",
  "live.source.lost": "No picture from the camera. Waiting for it.",
  "live.source.because": "{reason}",
  "live.source.opening": "Opening the camera…",
  "live.source.closed": "The camera is closed.",
  "live.note": "{note}",
  "live.guest": "The picture now comes from {source}.",
  "live.house": "The station's own camera is back.",
  "live.model.missing": "Detection is not installed",
  "live.model.because.missing": "{message}",
  "live.model.failed": "Detection stopped",
  "live.model.because.failed": "{message}",
  "live.model.warming": "The detector is warming up.",
  "live.model.fix": "{trouble}: run `{command}`",
  "live.detector.off": "off",
  "live.detector.warming": "warming up",
  "live.detector.missing": "missing",
  "live.detector.failed": "failed",
  "live.detector.runs": "{model} on {provider}",
  "live.detector.experimental": "{model} (experimental) on {provider}",
  "live.publish.live": "live",
  "live.publish.connecting": "connecting",
  "live.publish.waiting": "trying again",
  "live.publish.refused": "refused",
  "live.change.queueing_delay": "packets queue up",
  "live.change.loss": "packets are lost",
  "live.change.no_feedback": "no feedback arrives",
  "live.change.probe_succeeded": "bandwidth increased",
  "live.change.chosen": "it was chosen by hand",
  "live.change.rendition_gone": "the earlier one is gone",
  "live.change.rendition_back": "a larger one is offered again",
  "live.change.new_path": "the connection moved to another network path",
  "live.network.measuring": "Measuring the network…",
  "live.network.simple": "Simple stream: its pictures become smaller on a slow network.",
  "live.network.well": "The network is fine.",
  "live.network.slow": "Slow network: smaller picture ({size}).",
  "live.network.lossy": "Packets are lost: smaller picture ({size}).",
  "live.network.lost": "The network lost {percent} % of packets.",
  "live.network.frozen": "The picture stood still for {seconds} s.",
  "live.network.fewer": "Fewer pictures: {fps} of {of} a second.",
  "live.network.device": "This device is too slow: {fps} of {of} pictures a second.",
  "live.network.later": "Shown {ms} ms later, so that lost packets can be sent again.",
  "live.network.relay": "Connected through a relay (TURN).",
  "live.network.tcp": "Connected through TCP: UDP is blocked here.",
  "live.about": "about {ms} ms",
  "live.fps": "{fps} fps",
  "live.auto": "Auto",
  "live.auto.now": "Auto ({name})",
  "live.withheld": "{name} (off to save power)",
  "live.power.unknown": "level unknown",
  "live.power.none": "no battery",
  "live.power.charging": "charging",
  "live.power.discharging": "on battery",
  "live.power.mains": "on mains",
  "live.power.left": "about {time} left",
  "live.power.full": "full in about {time}",
  "live.power.minutes": "{minutes} min",
  "live.power.hours": "{hours} h {minutes} min",
  "live.power.profile.full": "full power",
  "live.power.profile.balanced": "balanced",
  "live.power.profile.saver": "saving power",
  "live.power.low": "The station's battery is low: {percent} %.",
  "live.saved": "Snapshot saved.",
  "live.privacy.open": "Open",
  "live.privacy.blur_faces": "Faces blurred",
  "live.privacy.blur_people": "People blurred",
  "live.privacy.silhouettes": "Silhouettes",
  "live.unrecorded": "Nothing is recorded.",
  "live.unanswered": "The station does not answer.",
};

// As makeWords(), but the language may change: `changed()` is called then. `select` is the list of languages.
export function makeLiveWords({ select, changed }) {
  let current = makeWords("en", ENGLISH, ENGLISH);
  let complete = false; // whether the texts of all pages are loaded
  let begun = false;
  let listed = false;
  let serial = 0; // of the newest load
  let newest = null;

  select.addEventListener("change", async () => {
    const chosen = select.value;
    const { remember } = await translated();
    remember(chosen);
    load(null);
  });

  function load(english) {
    serial += 1;
    newest = loaded(english, serial);
    return newest;
  }

  // `english`: the English texts that need not be fetched. A key without a text keeps what stands in the page.
  async function loaded(english, mine) {
    const { loadWords, offer, translate } = await translated();
    const next = await loadWords({ english, priority: "low" });
    // Another language was chosen meanwhile.
    if (mine !== serial) return;
    current = next;
    complete = english === null;
    listed = true;
    offer(select, next);
    document.documentElement.lang = next.language;
    translate(document, next.say);
    changed();
  }

  return {
    say: (key, values) => current.say(key, values),
    number: (value, digits) => current.number(value, digits),
    knows: (key) => current.knows(key),
    // Fetches the visitor's language unless it is English.
    begin() {
      if (begun) return;
      begun = true;
      if (!wantsEnglish(wanted())) load(ENGLISH);
    },
    // Fetches the list of languages when the panel that shows it is opened.
    async offer() {
      if (listed) return;
      listed = true;
      const { languages, offer } = await translated();
      offer(select, { offered: await languages("auto"), language: current.language });
    },
    // Fetches the texts of the other pages too, for the dialog of styles.
    async whole() {
      if (!complete) load(null);
      while (!complete) await newest;
    },
  };
}

function translated() {
  return retried(() => import("./translated.js"));
}
