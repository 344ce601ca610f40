// The report of `make bench-network` as Markdown: medians, their spread, and which goals they meet. Pure.

import { FIGURES, figuresOf, goalText, missedGoals, shown, shownHeights, summarised } from "./network_figures.mjs";
import { FROZEN_MS } from "./pictures.mjs";
import { number, table } from "./table.mjs";

const GRID_COLUMNS = [
  "frozenPercent",
  "frozenFromPostPercent",
  "firstMs",
  "lateGapMs",
  "reachedMs",
  "backMs",
  "picturesPerS",
  "bitrateBps",
  "roundTripMs",
];
const ADDED_COLUMNS = ["frozenPercent", "frozenFromPostPercent", "firstMs", "longestGapMs", "picturesPerS", "bitrateBps"];

// One line for each viewer of each condition that was measured with this source: [{condition, viewer, runs, summary, missed}].
export function outcomes(source, conditions, results) {
  return conditions.flatMap((condition) => {
    const own = results.filter((one) => one.source === source.name && one.condition === condition.name);
    if (own.length === 0) return [];
    return condition.viewers.map((viewer) => {
      const figures = own.map(({ span, viewers }) => {
        const seen = viewers.find(({ name }) => name === viewer);
        return figuresOf(condition, source.bitrateBps, span, seen);
      });
      const summary = summarised(figures);
      return { condition, viewer, runs: own.length, summary, missed: missedGoals(condition.goals, summary) };
    });
  });
}

// Those of the grid have the same goals, and one table.
const isOfGrid = ({ condition }) => condition.goals.some(({ figure }) => figure === "reachedMs");

// measured: {date, machine, runs, sources, conditions, results, failures}.
export function report(measured) {
  const bySource = measured.sources.map((source) => ({
    source,
    rows: outcomes(source, measured.conditions, measured.results),
  }));
  const parts = [where(measured), "### Goals", goalTable(bySource)];
  for (const { source, rows } of bySource) {
    const [grid, added] = [rows.filter(isOfGrid), rows.filter((row) => !isOfGrid(row))];
    if (grid.length > 0) parts.push(`### The same goals for all, ${source.name}`, gridTable(grid));
    if (added.length > 0) parts.push(`### Goals of their own, ${source.name}`, addedTable(added));
  }
  if (measured.failures.length > 0) {
    parts.push(["Could not be measured:", "", ...measured.failures.map((line) => `- ${line}`)].join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}

function where({ date, machine, runs, sources, results }) {
  const loads = results.map(({ load }) => load);
  const load = loads.length > 0 ? `${number(Math.min(...loads))} to ${number(Math.max(...loads))}` : "unknown";
  const disturbed = loads.filter((one) => one > machine.cores).length;
  const distrust = disturbed > 0 ? ` (above the number of cores in ${disturbed} of ${loads.length} runs, which are not to be trusted)` : "";
  const shownSources = sources.map(({ name, what }) => `${name}, ${what}`).join("; ");
  const medians = runs > 1 ? `Medians of ${runs} runs, with the smallest and the largest value` : "One run";
  return (
    `Measured ${date} on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, ${machine.kernel}; ` +
    `${machine.chromium}; load average ${load}${distrust}. Sources: ${shownSources}. ${medians}; ` +
    `**bold** misses its goal. Frozen: longer than ${FROZEN_MS} ms without a new picture.`
  );
}

// How many conditions meet each goal, for each source and viewer.
function goalTable(bySource) {
  const columns = bySource.flatMap(({ source, rows }) => {
    const viewers = [...new Set(rows.map(({ viewer }) => viewer))];
    return viewers.map((viewer) => ({
      name: `${source.name}, ${viewer}`,
      rows: rows.filter((row) => row.viewer === viewer),
    }));
  });
  const goals = new Map();
  for (const { condition } of columns.flatMap(({ rows }) => rows)) {
    for (const goal of condition.goals) goals.set(goalText(goal), goal);
  }
  const count = (rows, has, misses) => {
    const having = rows.filter(has);
    return having.length > 0 ? `${having.filter((row) => !misses(row)).length} of ${having.length}` : "";
  };
  const lines = [...goals.keys()].map((text) => {
    const isGoal = (goal) => goalText(goal) === text;
    const cells = columns.map(({ rows }) =>
      count(rows, ({ condition }) => condition.goals.some(isGoal), ({ missed }) => missed.some(isGoal)),
    );
    return [text, ...cells];
  });
  const all = columns.map(({ rows }) => count(rows, () => true, ({ missed }) => missed.length > 0));
  return table(["goal", ...columns.map(({ name }) => name)], [...lines, ["all of a condition", ...all]]);
}

function head(figure) {
  const { name, unit } = FIGURES[figure];
  return `${name} ${unit}`.trim();
}

// Bold where it misses a goal.
function cell(figure, { summary, missed }) {
  const text = shown(figure, summary);
  return missed.some((goal) => goal.figure === figure) ? `**${text || "-"}**` : text;
}

function nameCells({ condition, viewer, runs }, wanted) {
  return [condition.name, runs === wanted ? viewer : `${viewer} (${runs} runs)`];
}

const mostRuns = (rows) => Math.max(...rows.map(({ runs }) => runs));

function gridTable(rows) {
  const lines = rows.map((row) => [
    ...nameCells(row, mostRuns(rows)),
    ...GRID_COLUMNS.map((figure) => cell(figure, row)),
    shownHeights(row.summary.heights),
  ]);
  return table(["network", "viewer", ...GRID_COLUMNS.map(head), "share of time at height"], lines);
}

function addedTable(rows) {
  const lines = rows.map((row) => {
    const { goals } = row.condition;
    return [
      ...nameCells(row, mostRuns(rows)),
      goals.map(goalText).join("; "),
      goals.map(({ figure }) => cell(figure, row)).join("; "),
      ...ADDED_COLUMNS.map((figure) => cell(figure, row)),
      shownHeights(row.summary.heights),
    ];
  });
  const heads = ADDED_COLUMNS.map(head);
  return table(["network", "viewer", "goal", "measured", ...heads, "share of time at height"], lines);
}

// A run in one line, for the progress.
export function runSummary(condition, source, result) {
  const viewers = outcomes(source, [condition], [result]).map(({ viewer, summary, missed }) => {
    const misses = missed.map((goal) => `${FIGURES[goal.figure].name} ${shown(goal.figure, summary) || "unknown"}`);
    const found = `frozen ${shown("frozenPercent", summary)} %, ${shownHeights(summary.heights)}`;
    const received = `${shown("bitrateBps", summary) || "-"} kbit/s`;
    return `${viewer}: ${found}, ${received}${misses.length > 0 ? `; misses: ${misses.join(", ")}` : ""}`;
  });
  const { offered, lost, overflowed } = result.link.down;
  return [...viewers, `link: ${offered} in, ${lost} lost, ${overflowed} overflowed`].join(" | ");
}
