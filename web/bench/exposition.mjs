// Metrics in Prometheus' text format, and their difference between two readings. Pure.

// A Map from "name" or "name{label="value"}" to a number.
export function parse(text) {
  const samples = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const match = /^([A-Za-z_:][\w:]*(?:\{.*\})?) (\S+)/.exec(line);
    if (match) samples.set(match[1], Number(match[2]));
  }
  return samples;
}

// What each sample grew by, as a Map like that of parse(); a new sample counts from zero.
export function difference(before, after) {
  const grown = new Map();
  for (const [name, value] of after) grown.set(name, value - (before.get(name) ?? 0));
  return grown;
}

// A counter or gauge summed over its labels; null where there is none of that name.
export function total(samples, name) {
  let sum = null;
  for (const [key, value] of samples) {
    if (key === name || key.startsWith(`${name}{`)) sum = (sum ?? 0) + value;
  }
  return sum;
}

// A histogram of seconds over all its labels: {count, meanMs, p50Ms, p95Ms}; null without observations. Percentiles
// are interpolated linearly within their bucket, as in Prometheus' histogram_quantile().
export function timing(samples, name) {
  const count = total(samples, `${name}_count`);
  if (!count) return null;
  const buckets = bucketsOf(samples, `${name}_bucket`);
  return {
    count,
    meanMs: (total(samples, `${name}_sum`) / count) * 1000,
    p50Ms: quantile(buckets, count, 0.5) * 1000,
    p95Ms: quantile(buckets, count, 0.95) * 1000,
  };
}

// [{le, count}], cumulative, lowest first.
function bucketsOf(samples, name) {
  const counts = new Map();
  for (const [key, value] of samples) {
    const limit = key.startsWith(`${name}{`) && /\ble="([^"]+)"/.exec(key)?.[1];
    if (!limit) continue;
    const le = limit === "+Inf" ? Infinity : Number(limit);
    counts.set(le, (counts.get(le) ?? 0) + value);
  }
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

function quantile(buckets, count, share) {
  const rank = count * share;
  let below = { le: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.le === Infinity) return below.le;
      const within = (rank - below.count) / (bucket.count - below.count || 1);
      return below.le + (bucket.le - below.le) * within;
    }
    below = bucket;
  }
  return NaN;
}
