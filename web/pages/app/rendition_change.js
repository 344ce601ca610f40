// Why the station last changed the rendition of this page's viewer.

import { byId } from "./page.js";
import { stateWords } from "./stats.js";

const AGE_ERROR_MS = 50;

// This page's entry in the answer of /api/viewers, which names nobody: the one as old as its session, which the
// station told between `askedAt` and `answeredAt`. Null when none or several are.
export function ownViewer(viewers, session, askedAt, answeredAt) {
  const least = askedAt - session.answeredAt - AGE_ERROR_MS;
  const most = answeredAt - session.postedAt + AGE_ERROR_MS;
  const own = viewers.filter(({ age_s }) => age_s * 1000 >= least && age_s * 1000 <= most);
  return own.length === 1 ? own[0] : null;
}

// Null where the station does not say.
export function renditionChangeWords(say, viewer) {
  const cause = viewer?.rendition_change;
  return cause ? stateWords(say, "live.change", cause) : null;
}

// `session` is fetched once for each height of the picture, because the height changes with the rendition.
export function makeRenditionChange(words) {
  let viewer = null; // this page's entry of /api/viewers
  let viewerOf = ""; // the session and height that it was fetched for

  function draw() {
    const text = renditionChangeWords(words.say, viewer);
    byId("line-change").hidden = text === null;
    byId("stat-change").textContent = text;
  }

  return {
    draw,
    viewer: () => viewer,
    forget() {
      viewerOf = "";
    },
    async follow(session, height) {
      const now = `${session?.url} ${height}`;
      if (!session?.url || now === viewerOf) return;
      viewerOf = now;
      const found = await fetchViewer(session);
      if (now !== viewerOf) return;
      viewer = found;
      draw();
    },
  };
}

async function fetchViewer(session) {
  try {
    const askedAt = performance.now();
    const response = await fetch("api/viewers", { cache: "no-store" });
    const viewers = response.ok ? await response.json() : [];
    return ownViewer(viewers, session, askedAt, performance.now());
  } catch {
    return null;
  }
}
