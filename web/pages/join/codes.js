// What the page shows of the answer of /api/join. Pure.

// The address as people type it.
export function plainAddress(url) {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

// Part of a code's address, so that a browser fetches the code again when it changes.
export function version({ booth_url, wifi }) {
  return encodeURIComponent([booth_url, wifi?.ssid, wifi?.security].filter(Boolean).join(" "));
}

// Splits an address where a line may break: behind its separators.
export function addressParts(address) {
  return address.match(/[^./:?-]*[./:?-]*/g).filter((part) => part !== "");
}

// The address of the games beside that of the live page; null where the station does not tell it.
export function playAddress(feedUrl) {
  return feedUrl ? plainAddress(new URL("play", feedUrl).href) : null;
}
