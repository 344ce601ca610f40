// The statistics panel. Its module, panel.js, is fetched after the first picture, or when the panel is opened
// before that.

// `parts` are for panel.js; `opened()` is called each time.
export function makeStatistics(section, parts, opened) {
  let panel = null;
  let coming = null; // the running import
  let status = null;

  async function fetched() {
    try {
      const { makePanel } = await import("./panel.js");
      panel = makePanel(parts);
      panel.status(status);
      if (!section.hidden) panel.show(true);
    } catch {
      coming = null; // tried again with the next picture or the next opening
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
