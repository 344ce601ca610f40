// What a viewer saw, for tests: a picture of that height every `step` ms, as [[time, height]].
export function film(from, to, height, step = 33) {
  const pictures = [];
  for (let at = from; at < to; at += step) pictures.push([at, height]);
  return pictures;
}
