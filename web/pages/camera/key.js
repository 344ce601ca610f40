// The token: out of the address (#token=..., as a QR code has it), kept for this tab alone.

const NAME = "carrier.publish";

// Takes the token out of the address, so that it is not shared with it.
export function fromAddress() {
  const token = tokenIn(location.hash);
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

export function tokenIn(hash) {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token")?.trim() || null;
}

// Storage is refused in some private windows; the token is then asked for each time.
export function kept() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

export function keep(token) {
  try {
    if (token) sessionStorage.setItem(NAME, token);
    else sessionStorage.removeItem(NAME);
  } catch {
    // As above.
  }
}
