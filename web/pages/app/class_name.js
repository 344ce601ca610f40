// The name of a class in the visitor's language; the model's name where the tables know none.
export function className({ say, knows }, name) {
  const key = `class.${name}`;
  return knows(key) ? say(key) : name;
}
