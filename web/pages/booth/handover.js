// The visitor's own phone takes over a job that was made at a shared device: the address has a secret that works once.

import { retried } from "../app/backoff.js";
import { recall, remember } from "../app/page.js";
import { randomKey } from "./order.js";

const NAME = "carrier.booth.handover";

// The secret in an address (#handover=...); null where there is none.
export function secretIn(hash) {
  const [, secret] = hash.match(/^#handover=([0-9a-f-]{36})$/) ?? [];
  return secret ?? null;
}

// The id of the job; null when the secret was used by somebody else or is too old. Repeated until the station answers.
export async function redeem(secret) {
  // The same key after a reload, because the answer may be lost.
  const [known, kept] = (recall(NAME, "sessionStorage") ?? "").split(" ");
  const by = known === secret ? kept : randomKey();
  remember(NAME, `${secret} ${by}`, "sessionStorage");
  const answer = await retried(async () => {
    const response = await fetch(`api/handovers/${secret}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ by }),
    });
    if (response.ok) return response.json();
    if (response.status < 500 && response.status !== 429) return { id: null };
    throw new Error(`status ${response.status}`);
  });
  return answer.id;
}

// Whether somebody has redeemed a code: "open", "taken", "over", or null without an answer.
export async function handoverStatus(secret) {
  try {
    const response = await fetch(`api/handovers/${secret}`, { cache: "no-store" });
    if (response.status === 404) return "over";
    if (!response.ok) return null;
    return (await response.json()).taken ? "taken" : "open";
  } catch {
    return null;
  }
}
