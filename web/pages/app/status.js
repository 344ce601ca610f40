// Asks /api/status every two seconds, every second while something is wrong.

const CALM_MS = 2000;
const WORRIED_MS = 1000;
const PATIENCE_MS = 3000;

// `tell` gets the events of connection.js: reached, unreachable, restarted.
// `show` gets the status, `clock` (askedAt, answeredAt, now_ms) when the station tells its time.
export function makeStatus({ tell, show, clock }) {
  let timer = 0;
  let asking = false;
  let worried = true;
  let uptime = 0;

  async function ask() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    const abort = new AbortController();
    const patience = setTimeout(() => abort.abort(), PATIENCE_MS);
    try {
      const askedAt = Date.now();
      const response = await fetch("api/status", { cache: "no-store", signal: abort.signal });
      const answeredAt = Date.now();
      if (!response.ok) throw new Error(`status ${response.status}`);
      const status = await response.json();
      tell({ type: "reached" });
      if (status.uptime_s < uptime) tell({ type: "restarted" });
      uptime = status.uptime_s;
      if (typeof status.now_ms === "number") clock?.(askedAt, answeredAt, status.now_ms);
      show(status);
    } catch {
      tell({ type: "unreachable" });
    } finally {
      clearTimeout(patience);
      asking = false;
      plan();
    }
  }

  function plan() {
    clearTimeout(timer);
    if (document.hidden) return;
    // Twenty phones that lost the same station must not come back in the same millisecond.
    timer = setTimeout(ask, (worried ? WORRIED_MS : CALM_MS) * (0.85 + 0.3 * Math.random()));
  }

  return {
    ask,
    worry(yes) {
      if (yes === worried) return;
      worried = yes;
      plan();
    },
  };
}
