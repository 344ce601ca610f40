// The report of `make bench-power` as Markdown. Pure.

import { hours, implied, laptopW } from "./power_model.mjs";
import { median, number, table } from "./table.mjs";

// The cell against which the owner's hours are compared: somebody watches, and the screen shows the feed.
const OWNERS_USE = { profile: "full", count: 5, isScreenOn: true };

export function powerReport(measured) {
  const { machine, assumed, cells, failures } = measured;
  const beside = implied(ownersLaptopW(measured) ?? laptopW(0, true, assumed), assumed).beside;
  const lines = [
    `Measured ${measured.date} on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, ${machine.kernel}; model ${measured.model}; a network camera that sends ${measured.source} as JPEGs; ${measured.seconds} s a cell; the screen is a window of ${measured.screenSize} pixels under Xvfb; load average ${machine.load.toFixed(2)} before the start. Other processes used ${number(median(cells.map((one) => one.elsewherePercent)), 0)} % of a core (median), the viewers of the measurement not included.`,
    "",
    "### CPU seconds a minute",
    "",
    cpuTable(measured),
    "",
    "### By thread, in CPU seconds a minute",
    "",
    threadTable(measured),
    "",
    "### Hours by the model",
    "",
    `With the watts beside the laptop that the owner's hours imply (${number(beside.battery)} W on the battery, ${number(beside.bank)} W on the power bank; see below), and with nothing beside it:`,
    "",
    hoursTable(measured, beside),
    "",
    "### What the owner's hours imply",
    "",
    impliedText(measured),
  ];
  if (failures.length > 0) lines.push("", "Could not be measured:", "", ...failures.map((line) => `- ${line}`));
  return `${lines.join("\n")}\n`;
}

function find({ cells }, profile, count, isScreenOn) {
  return cells.find((one) => one.profile === profile && one.count === count && one.isScreenOn === isScreenOn);
}

const busyCores = (cell) => cell.cpuSeconds / 60;

function rowsOf({ cells }) {
  const seen = new Map(cells.map((cell) => [`${cell.count} ${cell.isScreenOn}`, cell]));
  return [...seen.values()].map(({ count, isScreenOn }) => ({ count, isScreenOn }));
}

function cpuTable(measured) {
  const { profiles } = measured;
  const rows = rowsOf(measured).map(({ count, isScreenOn }) => {
    const full = find(measured, profiles[0], count, isScreenOn);
    const cellsOfRow = profiles.flatMap((profile) => {
      const cell = find(measured, profile, count, isScreenOn);
      if (!cell) return ["-", "-", "-"];
      const percent = (busyCores(cell) * 100).toFixed(1);
      return [cell.cpuSeconds.toFixed(1), percent, cell.detectionsPerSecond.toFixed(1)];
    });
    const ratios = profiles.slice(1).map((profile) => {
      const cell = find(measured, profile, count, isScreenOn);
      return full && cell ? (cell.cpuSeconds / full.cpuSeconds).toFixed(2) : "-";
    });
    return [`${count}`, isScreenOn ? "on" : "off", ...cellsOfRow, ...ratios];
  });
  const heads = profiles.flatMap((profile) => [`${profile}: CPU s`, "% of a core", "detections/s"]);
  return table(["viewers", "screen", ...heads, ...profiles.slice(1).map((profile) => `${profile} / ${profiles[0]}`)], rows);
}

function threadTable(measured) {
  const names = [...new Set(measured.cells.flatMap(({ threads }) => threads.filter(({ cpuSeconds }) => cpuSeconds >= 0.2).map(({ name }) => name)))];
  const rows = measured.cells.map((cell) => {
    const of = (name) => cell.threads.find((thread) => thread.name === name)?.cpuSeconds ?? 0;
    return [`${cell.profile}, ${cell.count} viewers, screen ${cell.isScreenOn ? "on" : "off"}`, ...names.map((name) => of(name).toFixed(1))];
  });
  return table(["cell", ...names], rows);
}

function hoursTable(measured, beside) {
  const { assumed } = measured;
  const nothing = { battery: 0, bank: 0 };
  const rows = measured.cells.map((cell) => {
    const watts = laptopW(busyCores(cell), cell.isScreenOn, assumed);
    const [owners, alone] = [hours(watts, beside, assumed), hours(watts, nothing, assumed)];
    return [
      `${cell.profile}, ${cell.count} viewers, screen ${cell.isScreenOn ? "on" : "off"}`,
      watts.toFixed(1),
      ...[owners.battery, owners.bank, alone.battery, alone.bank].map((value) => value.toFixed(1)),
    ];
  });
  return table(["cell", "laptop W", "battery h", "power bank h", "battery h, laptop alone", "power bank h, laptop alone"], rows);
}

function ownersLaptopW(measured) {
  const { profile, count, isScreenOn } = OWNERS_USE;
  const cell = find(measured, profile, count, isScreenOn) ?? measured.cells[0];
  return cell && laptopW(busyCores(cell), cell.isScreenOn, measured.assumed);
}

function impliedText(measured) {
  const { assumed } = measured;
  const laptop = ownersLaptopW(measured);
  if (!laptop) return "Nothing was measured.";
  const { all, beside, bankForBatteryLoadWh } = implied(laptop, assumed);
  return [
    `- ${assumed.batteryHours} h on a battery of ${assumed.batteryWh} Wh is ${number(all.battery)} W. The model gives the laptop ${number(laptop)} W (idle ${assumed.idleW}, screen ${assumed.screenW}, ${assumed.coreW} a busy core). The rest, ${number(beside.battery)} W, is not the program's.`,
    `- ${assumed.bankHours} h on a power bank of ${assumed.bankWh} Wh at ${assumed.bankEfficiency * 100} % is ${number(all.bank)} W, and the rest ${number(beside.bank)} W.`,
    `- Both hours agree with one load only if the power bank has ${number(bankForBatteryLoadWh, 0)} Wh.`,
  ].join("\n");
}
