// What outlives a reload: the order or the job in localStorage, the photo in IndexedDB until the
// station has it.

import { recall, remember } from "../app/stored.js";

const NAME = "carrier.booth";
const PHOTO_MS = 600e3; // an older photo was left behind

// {id, seen} (`seen`: its result was shown) or {order} or {}.
export function kept() {
  return parsed(recall(NAME));
}

export function keep(what) {
  remember(NAME, JSON.stringify(what ?? {}));
}

// Which jobs this tab showed, and may not open by the browser's way back any more: its visitor has left.
const CLOSED = "carrier.booth.closed";

export function isClosed(id) {
  return closed()[id] === true;
}

export function reopen(id) {
  keepClosed({ ...closed(), [id]: false });
}

export function closeAll() {
  keepClosed(Object.fromEntries(Object.keys(closed()).map((id) => [id, true])));
}

function closed() {
  return parsed(recall(CLOSED, "sessionStorage"));
}

function keepClosed(ids) {
  remember(CLOSED, JSON.stringify(ids), "sessionStorage");
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

// A photo that was not ordered yet is for the tab it was taken in: after a reload, not for whoever opens
// the page anew.
const PHOTO = "carrier.booth.photo";

export function hasPhotoOfThisTab() {
  return recall(PHOTO, "sessionStorage") === "1";
}

export async function keepPhoto(blob, now) {
  // Bytes, not the blob: old Safari cannot store blobs.
  remember(PHOTO, "1", "sessionStorage");
  const bytes = await blob.arrayBuffer();
  await inStore("readwrite", (store) => store.put({ bytes, type: blob.type, at: now }, "photo"));
}

export function dropPhoto() {
  remember(PHOTO, "0", "sessionStorage");
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
