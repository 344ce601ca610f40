// The booth without a network: the service worker, and what the page remembers of the station's styles. Not on a device
// that visitors share.

import { recall, remember } from "../app/page.js";

const OFFER = "carrier.booth.offer";
const CACHES = /^carrier-booth-/;

// Over plain HTTP browsers have no service workers.
export async function startWorker() {
  if (!globalThis.isSecureContext || !navigator.serviceWorker) return;
  const here = (path) => new URL(`../${path}`, import.meta.url);
  try {
    await navigator.serviceWorker.register(here("worker.js"), { type: "module", scope: here("booth"), updateViaCache: "none" });
  } catch {
    // For example an invalid certificate: the page works without.
  }
}

// Ends it, and erases what it kept.
export async function stopWorker() {
  remember(OFFER, null);
  if (!globalThis.isSecureContext) return;
  const workers = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  await Promise.all(workers.map((worker) => worker.unregister()));
  const names = (await globalThis.caches?.keys()) ?? [];
  await Promise.all(names.filter((name) => CACHES.test(name)).map((name) => caches.delete(name)));
}

// Without the examples, which are not kept.
export function rememberOffer(offer) {
  const styles = offer.styles.map((style) => ({ ...style, example: null }));
  remember(OFFER, JSON.stringify({ ...offer, styles }));
}

// The styles of the last visit; null: none.
export function rememberedOffer() {
  try {
    return JSON.parse(recall(OFFER));
  } catch {
    return null;
  }
}
