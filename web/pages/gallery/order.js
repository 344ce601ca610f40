// Which picture the slideshow shows next. Pure.

// `pictures` are newest first, as the station lists them; `seen` is a set of ids. One that nobody
// has seen comes first, the oldest of those before the newer; then on through the others.
export function nextPicture(pictures, shown, seen) {
  if (pictures.length === 0) return null;
  const unseen = pictures.filter(({ id }) => !seen.has(id));
  if (unseen.length > 0) return unseen.at(-1);
  const at = pictures.findIndex(({ id }) => id === shown);
  return pictures[(at + 1) % pictures.length];
}

// Its neighbour in the lightbox, round and round.
export function neighbour(pictures, id, by) {
  const at = pictures.findIndex((picture) => picture.id === id);
  if (at < 0) return null;
  return pictures[(at + by + pictures.length) % pictures.length];
}
