// Which runs a measurement consists of, and which of them are still to be made after a break. Pure.

const OVERHEAD_S = 4; // of a run: a station, a link and a page are started and ended

// All runs, [{source, condition, number}]: the first one of every condition comes before the second ones, so that what
// disturbs the machine for a while does not meet all runs of one condition, and a broken-off measurement has a whole
// table.
export function planned(sources, conditions, runs) {
  const numbers = Array.from({ length: runs }, (_, index) => index + 1);
  return numbers.flatMap((number) =>
    sources.flatMap((source) => conditions.map((condition) => ({ source, condition, number }))),
  );
}

export function keyOf({ source, condition, number }) {
  return JSON.stringify([source, condition, number]);
}

const named = ({ source, condition, number }) => ({ source: source.name, condition: condition.name, number });

// The runs of the plan without a result. `results`: as they are stored, with names of source and condition.
export function remaining(plan, results) {
  const measured = new Set(results.map(keyOf));
  return plan.filter((run) => !measured.has(keyOf(named(run))));
}

export function secondsOf(runs) {
  return runs.reduce((all, { condition }) => all + condition.watchSeconds + OVERHEAD_S, 0);
}

// "12 of 186 runs measured, 174 left, about 71 min".
export function progressText(plan, left) {
  const minutes = Math.ceil(secondsOf(left) / 60);
  return `${plan.length - left.length} of ${plan.length} runs measured, ${left.length} left, about ${minutes} min`;
}

export function runText({ source, condition, number }, runs) {
  return `${source.name}: ${condition.name}, run ${number} of ${runs}`;
}

// The results in a file with a line of JSON for each. A line that a kill has cut off is not one.
export function parsedResults(text) {
  return text.split("\n").flatMap((line) => {
    try {
      const result = JSON.parse(line);
      return result?.viewers ? [result] : [];
    } catch {
      return [];
    }
  });
}
