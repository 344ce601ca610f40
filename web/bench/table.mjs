// Markdown tables and the numbers in them. Pure.

// The first column to the left, the others, which hold numbers, to the right.
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell ?? "")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, at) => pad(cell, widths[at], at)).join(" | ")} |`;
  const rule = widths.map((width, column) => (column === 0 ? "-" : ":").padStart(width, "-"));
  return [line(cells[0]), `| ${rule.join(" | ")} |`, ...cells.slice(1).map(line)].join("\n");
}

function pad(cell, width, column) {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

// A number with as many decimals, "-" for what was not measured.
export function number(value, decimals = 1) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals) : "-";
}

// What holds: "yes", "no", or "not measured".
export function holds(value, limit) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "not measured";
  return value <= limit ? "yes" : "no";
}

// The slope of the line through [[x, y]] with the least squares.
export function slope(points) {
  const mean = (at) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

// `document` with `generated` between the markers of that name; they are added where they are
// missing.
export function replaceGenerated(document, generated, name = "bench") {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const block = `${begin}\n\n${generated.trim()}\n\n${end}`;
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n${block}\n`;
  return document.slice(0, from) + block + document.slice(to + end.length);
}
