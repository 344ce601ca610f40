// The statistics: shown at once, while what draws their numbers (panel.js) is fetched after the first
// picture, or when somebody opens them before. No picture waits for them.

// `parts` are for panel.js; `opened()` is called each time.
export function makeStatistics(section, parts, opened) {
  let panel = null;
  let coming = null;
  let status = null;

  async function fetched() {
    try {
      const { makePanel } = await import("./panel.js");
      panel = makePanel(parts);
      panel.status(status);
      if (!section.hidden) panel.show(true);
    } catch {
      coming = null; // with the next picture or the next look
    }
  }

  return {
    get open() {
      return !section.hidden;
    },
    fetch() {
      coming ??= fetched();
    },
    show(yes) {
      section.hidden = !yes;
      panel?.show(yes);
      if (!yes) return;
      this.fetch();
      opened();
    },
    status(next) {
      status = next;
      panel?.status(next);
    },
    seen: (...picture) => panel?.seen(...picture),
    reworded: () => panel?.reworded(),
  };
}
