// Not a module: it runs before the first paint, so that a remembered sunlight theme does not start
// dark and what needs scripts is there at once. The rest of the theme is in controls.js.
document.documentElement.classList.add("scripted");
// The station has turned a link's token into a cookie: in the address bar, and in what is copied from
// it, it need not stay.
const link = new URL(location.href);
if (link.searchParams.has("token")) {
  link.searchParams.delete("token");
  history.replaceState(history.state, "", link);
}
try {
  if (localStorage.getItem("carrier.sunlight") === "1") {
    document.documentElement.dataset.theme = "sunlight";
  }
} catch {
  // Storage is refused in some private windows; the theme is then simply not remembered.
}
