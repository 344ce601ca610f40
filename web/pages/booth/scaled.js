// How large a photo may stay before it is sent. Pure.

export const LONGEST_PX = 2048;
// Of a photo that is small enough in pixels; a larger file is encoded anew.
export const LARGEST_BYTES = 4e6;

const TAKEN = ["image/jpeg", "image/png", "image/webp"];

export function within({ width, height }, longest = LONGEST_PX) {
  const scale = Math.min(longest / Math.max(width, height), 1);
  const at = (length) => Math.max(Math.round(length * scale), 1);
  return { width: at(width), height: at(height) };
}

// Whether the file goes as it is.
export function fits({ width, height }, { type, size }) {
  return Math.max(width, height) <= LONGEST_PX && size <= LARGEST_BYTES && TAKEN.includes(type);
}
