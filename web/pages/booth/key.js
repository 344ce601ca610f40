// A random UUID (RFC 9562, version 4). crypto.randomUUID is there on HTTPS alone.
export function randomKey(bytes = crypto.getRandomValues(new Uint8Array(16))) {
  const own = Uint8Array.from(bytes);
  own[6] = (own[6] & 0x0f) | 0x40;
  own[8] = (own[8] & 0x3f) | 0x80;
  const hex = [...own].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
