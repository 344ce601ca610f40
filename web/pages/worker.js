// The booth's service worker: opens the booth without a network, and sends an order that waits for one after its page
// was closed. The station puts two constants in front: VERSION, which changes with any of the files, and FILES, which
// are the paths of the booth's page and of all that it loads. The network always comes first, so that an upgraded
// station is never hidden by what is kept here; /api is never kept.

import { sendWaiting, TAG } from "./booth/waiting.js";

const CACHE = `carrier-booth-${VERSION}`; // eslint-disable-line no-undef
const WAIT_MS = 4000; // a network that does not answer for so long counts as away
const AWAY_MS = 10000; // for so long, files come from here at once
const GONE = [502, 503, 504]; // a proxy before a stopped station

const base = new URL("./", self.location.href);
const addresses = FILES.map((file) => new URL(file, base)); // eslint-disable-line no-undef
const paths = new Set(addresses.map(({ pathname }) => pathname));
let awayUntil = 0;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { pathname, searchParams, origin } = new URL(event.request.url);
  const isKept = event.request.method === "GET" && origin === base.origin && paths.has(pathname);
  // A device that visitors share keeps nothing.
  if (isKept && !searchParams.has("kiosk")) event.respondWith(answer(event.request));
});
self.addEventListener("sync", (event) => {
  if (event.tag === TAG) event.waitUntil(sendWaiting(base));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(addresses.map((address) => new Request(address, { cache: "no-cache" })));
  await self.skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("carrier-booth-") && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

// From the network; else what was kept. The files of a page that came from here come from here, too.
async function answer(request) {
  const isPage = request.mode === "navigate";
  if (!isPage && Date.now() < awayUntil) {
    const found = await kept(request);
    if (found) return found;
  }
  const fresh = fetch(request);
  const late = new Promise((done) => setTimeout(done, WAIT_MS));
  const first = await Promise.race([fresh, late]).catch(() => null);
  if (first && !GONE.includes(first.status)) {
    if (isPage) awayUntil = 0;
    return first;
  }
  const found = await kept(request);
  if (!found) return fresh;
  fresh.catch(() => {});
  awayUntil = Date.now() + AWAY_MS;
  return found;
}

// caches.open() would create the cache of this version again after the next version has deleted it.
function kept({ url }) {
  return caches.match(new URL(url).pathname, { cacheName: CACHE, ignoreSearch: true, ignoreVary: true });
}
