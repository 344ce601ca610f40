// The owner's login. The token is exchanged for a cookie that scripts cannot read.

import { byId, recall, remember } from "../app/page.js";
import { moderate, request } from "./moderation.js";

const NAME = "carrier.admin"; // remembers that somebody was logged in; not the token
const SESSION = "api/admin/session";

export function makeAdmin({ changed, words }) {
  let admin = false;

  function set(yes) {
    if (yes === admin) return;
    admin = yes;
    remember(NAME, yes ? "1" : null);
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
    const status = await request("POST", SESSION, { headers });
    if (status === 204) field.value = "";
    say(status === 204 ? "" : status === 401 ? "admin.wrong" : "gallery.unreachable");
    set(status === 204);
  });
  byId("admin-leave").addEventListener("click", async () => {
    await request("DELETE", SESSION);
    set(false);
  });

  return {
    is: () => admin,
    // Asks only in a browser where somebody was logged in before.
    async resume() {
      if (recall(NAME) !== "1") return;
      set((await request("GET", SESSION)) === 204);
      remember(NAME, admin ? "1" : null);
    },
    // Gives whether it was done.
    async act(action, picture) {
      const status = await moderate(action, picture);
      if (status === 401) set(false);
      const done = status >= 200 && status < 300;
      say(done ? "" : status === 401 ? "admin.wrong" : "gallery.unreachable");
      return done;
    },
  };
}
