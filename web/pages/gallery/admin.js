// The owner's entry: the token becomes a cookie, which scripts never see.

const NAME = "carrier.admin";
const SESSION = "api/admin/session";
const byId = (id) => document.getElementById(id);

export function makeAdmin({ changed, words }) {
  let admin = false;

  function set(yes) {
    if (yes === admin) return;
    admin = yes;
    remember(yes);
    byId("admin-form").hidden = yes;
    byId("admin-leave").hidden = !yes;
    changed();
  }

  function say(key) {
    byId("admin-said").textContent = key ? words().say(key) : "";
  }

  byId("admin-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = byId("admin-token");
    const headers = { Authorization: `Bearer ${field.value.trim()}` };
    const status = await asked("POST", SESSION, { headers });
    if (status === 204) field.value = "";
    say(status === 204 ? "" : status === 401 ? "admin.wrong" : "gallery.unreachable");
    set(status === 204);
  });
  byId("admin-leave").addEventListener("click", async () => {
    await asked("DELETE", SESSION);
    set(false);
  });

  return {
    is: () => admin,
    // Asked only where somebody was admitted before: a stranger's page has nothing to ask.
    async resume() {
      if (!remembered()) return;
      set((await asked("GET", SESSION)) === 204);
      remember(admin);
    },
    // Whether it was done.
    async act(action, { id }) {
      const address = `api/admin/gallery/${id}`;
      const status =
        action === "remove"
          ? await asked("DELETE", address)
          : await asked("PATCH", address, {
              headers: { "Content-Type": "application/json" },
              body: JSON.stringify({ hidden: action === "hide" }),
            });
      if (status === 401) set(false);
      const done = status >= 200 && status < 300;
      say(done ? "" : status === 401 ? "admin.wrong" : "gallery.unreachable");
      return done;
    },
  };
}

// Its status; 0 when the station does not answer.
async function asked(method, address, more = {}) {
  try {
    return (await fetch(address, { method, ...more })).status;
  } catch {
    return 0;
  }
}

// Not the token: only that there was one. Storage is refused in some private windows.
function remembered() {
  try {
    return localStorage.getItem(NAME) === "1";
  } catch {
    return false;
  }
}

function remember(yes) {
  try {
    if (yes) localStorage.setItem(NAME, "1");
    else localStorage.removeItem(NAME);
  } catch {
    // As above.
  }
}
