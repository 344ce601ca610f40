// From CPU time to hours on a battery. Pure.

// What the model assumes; each is a parameter of `make bench-power`. Watts are drawn from the battery.
export const ASSUMED = {
  batteryWh: 50, // nominal, of the Framework Laptop 12
  bankWh: 100, // nominal: 27,000 mAh at 3.7 V, the most that airlines carry without asking
  bankEfficiency: 0.85, // of a power bank's converter and the laptop's charger together
  idleW: 5, // the machine doing nothing, Wi-Fi on, backlight apart
  screenW: 3, // the panel, bright
  coreW: 6, // one core that is busy all the time, with its share of caches and memory
  batteryHours: 1, // what the owner has seen on the battery
  bankHours: 3, // ... and on the power bank
};

// Watts that the laptop draws with so many busy cores.
export function laptopW(cores, isScreenOn, assumed) {
  return assumed.idleW + (isScreenOn ? assumed.screenW : 0) + cores * assumed.coreW;
}

// Hours until empty: {battery, bank}, with so many watts beside the laptop.
export function hours(laptop, besideW, assumed) {
  return {
    battery: assumed.batteryWh / (laptop + besideW.battery),
    bank: (assumed.bankWh * assumed.bankEfficiency) / (laptop + besideW.bank),
  };
}

// The watts that the owner's hours imply: in all, and beside what the model gives for the laptop.
export function implied(laptop, assumed) {
  const all = {
    battery: assumed.batteryWh / assumed.batteryHours,
    bank: (assumed.bankWh * assumed.bankEfficiency) / assumed.bankHours,
  };
  // As many watt-hours as the battery's load would take from a bank in the owner's hours.
  const bankForBatteryLoadWh = (all.battery * assumed.bankHours) / assumed.bankEfficiency;
  return { all, beside: { battery: all.battery - laptop, bank: all.bank - laptop }, bankForBatteryLoadWh };
}
