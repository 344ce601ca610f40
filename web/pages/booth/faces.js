// The faces that the station's detector sees in its live picture.

const TRACKS = new URL("../api/tracks", import.meta.url);

// The faces of an event of /api/tracks as {id, x1, y1, x2, y2}, in shares of the picture.
export function facesOf({ tracks, width, height }) {
  const faces = tracks.filter((track) => track.class === "face");
  return faces.map(({ id, box: [x1, y1, x2, y2] }) => ({
    id,
    x1: x1 / width,
    y1: y1 / height,
    x2: x2 / width,
    y2: y2 / height,
  }));
}

// `seen` gets the faces of each detection. Gives a function that ends this.
export function watchFaces(seen) {
  const events = new EventSource(TRACKS);
  events.addEventListener("message", ({ data }) => seen(facesOf(JSON.parse(data))));
  return () => events.close();
}
