// What survives a reload: the order or the job in localStorage, and the photo in IndexedDB until the station has
// it.

import { recall, remember } from "../app/page.js";

const NAME = "carrier.booth";
let keeps = true;

// For a device that visitors share: erases what is stored, and stores nothing from now on.
export function keepNothing() {
  remember(NAME, null);
  remember(CLOSED, null, "sessionStorage");
  dropPhoto();
  inStore("readwrite", (store) => store.delete("withdrawn"));
  remember(PHOTO, null, "sessionStorage");
  keeps = false;
}

const PHOTO_MAX_MS = 600e3; // an older photo is deleted
const WAITING_MAX_MS = 3600e3; // the same, of one whose order waits for a network

// {id, seen} (`seen`: the result was shown), {order} or {}.
export function kept() {
  return parseObject(recall(NAME));
}

export function keep(what) {
  if (!keeps) return;
  remember(NAME, JSON.stringify(what ?? {}));
}

// By id, which jobs the browser's back button may not open in this tab any more: their visitor has left.
const CLOSED = "carrier.booth.closed";

export function isClosed(id) {
  return closed()[id] === true;
}

// Whether this tab has opened the job, so that its visitor is here.
export function isOfThisTab(id) {
  return closed()[id] === false;
}

export function reopen(id) {
  keepClosed({ ...closed(), [id]: false });
}

export function closeAll() {
  keepClosed(Object.fromEntries(Object.keys(closed()).map((id) => [id, true])));
}

function closed() {
  return parseObject(recall(CLOSED, "sessionStorage"));
}

function keepClosed(ids) {
  if (!keeps) return;
  remember(CLOSED, JSON.stringify(ids), "sessionStorage");
}

// The object in a JSON text; an empty one where there is none.
export function parseObject(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

// A photo that was not sent yet is restored only in the tab that took it.
const PHOTO = "carrier.booth.photo";

export function hasPhotoOfThisTab() {
  return recall(PHOTO, "sessionStorage") === "1";
}

export async function keepPhoto(blob, now) {
  if (!keeps) return;
  // As bytes: old Safari cannot store blobs.
  remember(PHOTO, "1", "sessionStorage");
  const bytes = await blob.arrayBuffer();
  await inStore("readwrite", (store) => store.put({ bytes, type: blob.type, at: now }, "photo"));
}

export function dropPhoto() {
  if (!keeps) return undefined;
  remember(PHOTO, "0", "sessionStorage");
  return inStore("readwrite", (store) => store.delete("photo"));
}

export async function keptPhoto(now) {
  const found = await inStore("readonly", (store) => store.get("photo"));
  if (!found?.bytes) return null;
  if (now - found.at > (found.order ? WAITING_MAX_MS : PHOTO_MAX_MS)) {
    await dropPhoto();
    return null;
  }
  return new Blob([found.bytes], { type: found.type });
}

// The result of one IndexedDB request on the one photo (and what belongs to it); null where there is no storage.
export async function inStore(mode, request) {
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
