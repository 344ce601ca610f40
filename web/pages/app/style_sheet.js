// A style sheet of a part that is fetched on its first use. Resolves when it is there, or cannot be had.
export function loadStyleSheet(href) {
  return new Promise((done) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  });
}
