// Not a module: it runs before the first paint, so that a remembered sunlight theme does not start
// dark and what needs scripts is there at once. The rest of the theme is in controls.js.
document.documentElement.classList.add("scripted");
try {
  if (localStorage.getItem("carrier.sunlight") === "1") {
    document.documentElement.dataset.theme = "sunlight";
  }
} catch {
  // Storage is refused in some private windows; the theme is then simply not remembered.
}
