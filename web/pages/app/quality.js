// Which rendition is watched: the network decides, unless the viewer does.

import { recall, remember } from "./stored.js";

const KEY = "carrier.rendition"; // in this tab alone
export const AUTO = "auto";

// What the page was asked for, or what this tab chose before. Pure but for what it is given.
export function initialChoice(search, remembered) {
  const asked = new URLSearchParams(search).get("rendition");
  const name = asked ?? remembered ?? AUTO;
  return /^(auto|\d{2,4}p)$/i.test(name) ? name.toLowerCase() : AUTO;
}

// The endpoint for a new session.
export function endpointFor(choice) {
  return choice === AUTO ? "whep" : `whep?rendition=${encodeURIComponent(choice)}`;
}

// Entries of the list: `auto` first, saying what it gives now, then every rendition by size.
export function entries(say, renditions, shownHeight) {
  const now = renditions.find((one) => one.height === shownHeight);
  const auto = now ? say("live.auto.now", { name: now.name }) : say("live.auto");
  return [
    { value: AUTO, text: auto },
    ...renditions.map((one) => ({ value: one.name, text: one.name })),
  ];
}

// `choose(name)` tells the running session.
export function makeQuality({ select, choose, say }) {
  let choice = initialChoice(location.search, recall(KEY, "sessionStorage"));
  let renditions = [];
  let height = null;
  select.addEventListener("change", () => {
    choice = select.value;
    remember(KEY, choice, "sessionStorage");
    choose(choice);
  });

  function show() {
    const list = entries(say, renditions, height);
    // Rebuilding an open list would shut it under the viewer's finger.
    const same =
      select.options.length === list.length &&
      list.every((entry, index) => select.options[index].value === entry.value);
    if (same) list.forEach((entry, index) => setText(select.options[index], entry.text));
    else select.replaceChildren(...list.map(({ value, text }) => new Option(text, value)));
    select.value = choice;
  }

  return {
    get endpoint() {
      return endpointFor(choice);
    },
    // The station does not have it (any more).
    refused() {
      choice = AUTO;
      remember(KEY, choice, "sessionStorage");
      show();
    },
    status(next) {
      renditions = next?.renditions ?? [];
      show();
    },
    shown(pictureHeight) {
      height = pictureHeight;
      show();
    },
    reworded: show,
  };
}

function setText(option, text) {
  if (option.textContent !== text) option.textContent = text;
}
