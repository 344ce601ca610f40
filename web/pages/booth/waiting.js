// An order that waits for a network: kept with its photo in this browser, for an hour at most, and sent by the page or,
// when that is closed, by the service worker. Both send it with its key, so that it becomes one job.

import { form } from "./order.js";
import { dropPhoto, inStore } from "./store.js";

export const TAG = "carrier-order"; // of Background Sync
export const ORDER_MAX_MS = 3600e3;

// Keeps the order beside the photo that is stored already. `at`: when it was ordered.
export async function keepWaiting(order, at) {
  const found = await inStore("readonly", (store) => store.get("photo"));
  if (!found?.bytes || found.order?.key === order.key) return;
  await inStore("readwrite", (store) => store.put({ ...found, order, at }, "photo"));
  await inStore("readwrite", (store) => store.delete("withdrawn"));
  const worker = await navigator.serviceWorker?.getRegistration?.();
  // Not every browser has it; there, the page sends it when it is opened again.
  await worker?.sync?.register(TAG).catch(() => {});
}

// The order is cancelled, also if it is being sent at this moment.
export function withdraw({ key }) {
  return inStore("readwrite", (store) => store.put({ key }, "withdrawn"));
}

// The id of the job that a waiting order became while no page was open; null: none. Told once.
export async function takeSent() {
  const found = await inStore("readonly", (store) => store.get("photo"));
  if (!found?.sent) return null;
  await inStore("readwrite", (store) => store.delete("photo"));
  return found.sent;
}

// Whether a photo and an order wait, and since when; null: none.
export async function waitingSince(now) {
  const found = await inStore("readonly", (store) => store.get("photo"));
  return found?.order && now - found.at <= ORDER_MAX_MS ? found.at : null;
}

// Sends what waits to the station at `base`. It throws if it is to be tried again.
export async function sendWaiting(base) {
  const found = await inStore("readonly", (store) => store.get("photo"));
  if (!found?.order) return;
  if (Date.now() - found.at > ORDER_MAX_MS) return void (await dropPhoto());
  const { order, bytes, type } = found;
  const response = await fetch(new URL("api/stylise", base), {
    method: "POST",
    headers: { "Idempotency-Key": order.key },
    body: form(order, new Blob([bytes], { type })),
  });
  if (response.status === 429 || response.status === 408 || response.status >= 500) throw new Error(`status ${response.status}`);
  // What is refused stays for the page, which says why.
  if (response.status !== 202) return;
  const { id } = await response.json();
  const withdrawn = await inStore("readonly", (store) => store.get("withdrawn"));
  if (withdrawn?.key === order.key) return void (await fetch(new URL(`api/stylise/${id}`, base), { method: "DELETE" }));
  const now = await inStore("readonly", (store) => store.get("photo"));
  // A page may have sent it meanwhile.
  if (now?.order?.key === order.key) await inStore("readwrite", (store) => store.put({ sent: id, at: Date.now() }, "photo"));
}
