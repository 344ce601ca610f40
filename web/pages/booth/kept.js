// What outlives a reload: the order or the job in localStorage, the photo in IndexedDB until the
// station has it. Where storage is refused (some private windows) nothing outlives anything.

const NAME = "carrier.booth";
const PHOTO_MS = 600e3; // an older photo was left behind

// {id, seen} (`seen`: its result was shown) or {order} or {}.
export function kept() {
  try {
    return JSON.parse(localStorage.getItem(NAME)) ?? {};
  } catch {
    return {};
  }
}

export function keep(what) {
  try {
    if (what) localStorage.setItem(NAME, JSON.stringify(what));
    else localStorage.removeItem(NAME);
  } catch {
    // As above.
  }
}

// Which jobs this tab showed, and may not open by the browser's way back any more: its visitor has left.
const TAB = "carrier.booth.closed";

export function isClosed(id) {
  return tab()[id] === true;
}

export function reopen(id) {
  keepTab({ ...tab(), [id]: false });
}

export function closeAll() {
  keepTab(Object.fromEntries(Object.keys(tab()).map((id) => [id, true])));
}

function tab() {
  try {
    return JSON.parse(sessionStorage.getItem(TAB)) ?? {};
  } catch {
    return {};
  }
}

function keepTab(ids) {
  try {
    sessionStorage.setItem(TAB, JSON.stringify(ids));
  } catch {
    // As above.
  }
}

export async function keepPhoto(blob, now) {
  // Bytes, not the blob: old Safari cannot store blobs.
  const bytes = await blob.arrayBuffer();
  await inStore("readwrite", (store) => store.put({ bytes, type: blob.type, at: now }, "photo"));
}

export function dropPhoto() {
  return inStore("readwrite", (store) => store.delete("photo"));
}

export async function keptPhoto(now) {
  const found = await inStore("readonly", (store) => store.get("photo"));
  if (!found) return null;
  if (now - found.at > PHOTO_MS) {
    await dropPhoto();
    return null;
  }
  return new Blob([found.bytes], { type: found.type });
}

// The result of one request; null where there is no storage.
async function inStore(mode, request) {
  try {
    const database = await opened();
    try {
      return await settled(request(database.transaction("photos", mode).objectStore("photos")));
    } finally {
      database.close();
    }
  } catch {
    return null;
  }
}

function opened() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore("photos");
  return settled(request);
}

function settled(request) {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
    request.onblocked = () => failed(new Error("blocked"));
  });
}
