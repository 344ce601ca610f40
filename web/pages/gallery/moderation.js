// What the owner may do with a picture of the gallery.

// `action`: "hide", "show" or "remove". Gives the status of the answer.
export function moderate(action, { id, carrier }) {
  if (carrier) return request("DELETE", `api/admin/gallery/carriers/${id}`);
  const address = `api/admin/gallery/${id}`;
  if (action === "remove") return request("DELETE", address);
  return request("PATCH", address, {
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ hidden: action === "hide" }),
  });
}

// The status of the answer; 0 when the station does not answer.
export async function request(method, address, more = {}) {
  try {
    return (await fetch(address, { method, ...more })).status;
  } catch {
    return 0;
  }
}
