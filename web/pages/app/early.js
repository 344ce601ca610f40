// A classic script, so that it runs before the first paint: marks that scripts work and puts on a remembered
// sunlight theme. The button of the theme is in page.js.
document.documentElement.classList.add("scripted");
// The station has turned the token of a link into a cookie: it leaves the address bar, so that a copied
// address does not hold it.
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
  // Some private windows refuse storage; nothing was remembered then.
}
