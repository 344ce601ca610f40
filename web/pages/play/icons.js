// A drawing for each game, 24 x 24, in the lines of the other icons.

const PATHS = {
  "object-hunt": "M10.5 4a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13zM15.300 15.300L20 20",
  "left-or-right": "M12 4v16M8.500 8.500L5 12l3.500 3.500M15.500 8.500L19 12l-3.500 3.500",
  "red-light": "M8 3h8v18H8zM12 5.500v2M12 11v2M12 16.500v2",
  "how-many": "M9 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM3 20v-1a6 6 0 0 1 12 0v1M15.500 5.300a3 3 0 0 1 0 5.400M17.500 14a5.500 5.500 0 0 1 3.500 5v1",
  "group-photo": "M4 8.500A1.500 1.500 0 0 1 5.500 7h2.300l1.400-2h5.600l1.400 2h2.300A1.500 1.500 0 0 1 20 8.500v9a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 17.500zM12 9.500a3.500 3.500 0 1 0 0 7a3.500 3.500 0 1 0 0-7z",
  "duel": "M4 8h12M13 5l3 3-3 3M20 16H8M11 13l-3 3 3 3",
  "relay": "M5 12a7 7 0 0 1 12-5M17 3v4h-4M19 12a7 7 0 0 1-12 5M7 21v-4h4",
};
const OTHER = "M12 4l2.300 5.200 5.700.6-4.300 3.800 1.200 5.600L12 16.300l-4.900 2.900 1.200-5.600L4 9.800l5.700-.6z";

const SVG = "http://www.w3.org/2000/svg";

export function gameIcon(game) {
  const icon = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[game] ?? OTHER);
  icon.append(path);
  return icon;
}
