// The list of renditions: the station chooses by the network ("auto"), or the viewer does.

import { recall, remember, setText } from "./page.js";

const KEY = "carrier.rendition"; // in this tab alone
export const AUTO = "auto";

// ?rendition= of the address, else what this tab chose before.
export function initialChoice(search, remembered) {
  const asked = new URLSearchParams(search).get("rendition");
  const name = asked ?? remembered ?? AUTO;
  return /^(auto|\d{2,4}p)$/i.test(name) ? name.toLowerCase() : AUTO;
}

// The endpoint for a new session.
export function endpointFor(choice) {
  return choice === AUTO ? "whep" : `whep?rendition=${encodeURIComponent(choice)}`;
}

// Entries of the list: "auto" with the rendition it gives now, then every rendition by size.
export function entries(say, renditions, shownHeight) {
  const now = renditions.find((one) => one.height === shownHeight);
  const auto = now ? say("live.auto.now", { name: now.name }) : say("live.auto");
  // To save power, the station may not offer some; whoever chose one gets it back afterwards.
  const withheld = (one) => one.offered === false;
  return [
    { value: AUTO, text: auto, disabled: false },
    ...renditions.map((one) => ({
      value: one.name,
      text: withheld(one) ? say("live.withheld", { name: one.name }) : one.name,
      disabled: withheld(one),
    })),
  ];
}

// `choose(name)` tells the running session.
export function makeQuality({ select, choose, say }) {
  let choice = initialChoice(location.search, recall(KEY, "sessionStorage"));
  let renditions = [];
  let height = null;
  select.addEventListener("change", () => {
    keep(select.value);
    choose(choice);
  });

  function keep(next) {
    choice = next;
    remember(KEY, choice, "sessionStorage");
  }

  function show() {
    const list = entries(say, renditions, height);
    // Rebuilding an open list would close it.
    const same =
      select.options.length === list.length &&
      list.every((entry, index) => select.options[index].value === entry.value);
    if (!same) select.replaceChildren(...list.map(({ value }) => new Option("", value)));
    list.forEach(({ text, disabled }, index) => {
      setText(select.options[index], text);
      select.options[index].disabled = disabled;
    });
    select.value = choice;
  }

  return {
    // By the viewer; otherwise the station chooses.
    get isChosen() {
      return choice !== AUTO;
    },
    get endpoint() {
      return endpointFor(choice);
    },
    // The station does not know the chosen rendition.
    refused() {
      keep(AUTO);
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
