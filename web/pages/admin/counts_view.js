// What the counts of the event show: numbers for each hour of the day, and a heat map. Pure.

export const HOURS = 24;

// {zones, classes} that were counted; the whole picture is a zone without a name, `null`, and comes first.
export function choicesOf({ hours }) {
  const sorted = (values) => [...new Set(values)].sort();
  const zones = sorted(hours.map(({ zone }) => zone).filter((zone) => zone !== null));
  const byCount = new Map();
  for (const { class: name, zone, entered } of hours) if (zone === null) byCount.set(name, (byCount.get(name) ?? 0) + entered);
  const classes = [...byCount].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
  return { zones: [null, ...zones], classes };
}

// 24 entries {entered, most} of a zone and a class; several days add up. `hourOf(text)` gives the hour of the day of an
// hour's beginning: 0 to 23.
export function hoursOfDay({ hours }, zone, name, hourOf = (text) => new Date(text).getHours()) {
  const day = Array.from({ length: HOURS }, () => ({ entered: 0, most: 0 }));
  for (const one of hours) {
    if (one.zone !== zone || one.class !== name) continue;
    const at = day[hourOf(one.hour)];
    at.entered += one.entered;
    at.most = Math.max(at.most, one.most);
  }
  return day;
}

// {entered, most, present_s} of all hours.
export function sumOf({ hours }, zone, name) {
  const sum = { entered: 0, most: 0, present_s: 0 };
  for (const one of hours) {
    if (one.zone !== zone || one.class !== name) continue;
    sum.entered += one.entered;
    sum.present_s += one.present_s;
    sum.most = Math.max(sum.most, one.most);
  }
  return sum;
}

// The opacity of each cell, 0 to 1: the root makes paths visible beside places where somebody sat for hours.
export function heatAlphas(seconds) {
  const most = Math.max(...seconds);
  return seconds.map((one) => (most > 0 ? Math.sqrt(one / most) : 0));
}

// The map of a class in the pictures of a camera, or null.
export function heatMapOf({ heat }, camera, name) {
  return heat.maps.find((map) => map.camera === camera && map.class === name) ?? null;
}

// Where the busiest cell is, in percent of the picture: [x, y]; null without one.
export function busiest({ columns, rows }, seconds) {
  const most = Math.max(...seconds);
  if (!(most > 0)) return null;
  const cell = seconds.indexOf(most);
  const middle = (at, of) => Math.round(((at + 0.5) / of) * 100);
  return [middle(cell % columns, columns), middle(Math.floor(cell / columns), rows)];
}
