// Requests to the station. An answer is always an object; status 0 means that the station did not answer.

import { retryAfterMs } from "../app/backoff.js";

const TIMEOUT_MS = 6000;

// {status, data, etag, retryAfterMs, detail}. `detail` is what the station says about an error, or "".
export async function ask(method, path, { body, headers = {}, timeoutMs = TIMEOUT_MS } = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    const response = await fetch(path, {
      method,
      cache: "no-store",
      signal: abort.signal,
      headers: { ...type, ...headers },
      ...sent,
    });
    const data = parsed(await response.text());
    return {
      status: response.status,
      data,
      etag: response.headers.get("ETag"),
      retryAfterMs: retryAfterMs(response.headers.get("Retry-After")),
      detail: response.ok ? "" : detailOf(data),
    };
  } catch {
    return { status: 0, data: null, etag: null, retryAfterMs: 0, detail: "" };
  } finally {
    clearTimeout(timer);
  }
}

// A proxy in front of a stopped station answers with one of these.
export function isGone({ status }) {
  return [0, 502, 503, 504].includes(status);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// Of a problem document (RFC 9457), or of a plain text.
export function detailOf(data) {
  if (typeof data === "string") return data.trim().slice(0, 300);
  return data?.detail ?? data?.title ?? data?.error ?? "";
}
