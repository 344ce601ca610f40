// Markdown tables, and the numbers in them. Pure.

// The first column is aligned left, the others, which hold numbers, right.
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

// "-" stands for what was not measured.
export function number(value, decimals = 1) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals) : "-";
}

// Whether a limit holds: "yes", "no", or "not measured".
export function holds(value, limit) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "not measured";
  return value <= limit ? "yes" : "no";
}

// The slope of the least-squares line through [[x, y]].
export function slope(points) {
  const mean = (at) => sum(points.map((point) => point[at])) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = sum(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  return covariance / sum(points.map(([x]) => (x - meanX) ** 2));
}

export function sum(values) {
  return values.reduce((all, value) => all + (value ?? 0), 0);
}

// The mean of the middle two of an even number of values; null for an empty list.
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === high ? low : (low + high) / 2;
}

// `document` with `generated` between the markers of that name, which are added at its end where they are missing.
export function replaceGenerated(document, generated, name = "bench") {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const block = `${begin}\n\n${generated.trim()}\n\n${end}`;
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n${block}\n`;
  return document.slice(0, from) + block + document.slice(to + end.length);
}
