// What the page shows of /api/join. Pure.

// The address as people type it.
export function plainAddress(url) {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

// Changes whenever a code must be fetched anew; the station draws it for the address of the moment.
export function version({ booth_url, wifi }) {
  return encodeURIComponent([booth_url, wifi?.ssid, wifi?.security].filter(Boolean).join(" "));
}

// Where an address may be broken into lines: behind its separators, as people read it.
export function addressParts(address) {
  return address.match(/[^./:?-]*[./:?-]*/g).filter((part) => part !== "");
}
