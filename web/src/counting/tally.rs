//! Sums for each hour: how many came, how long they were there, and where they stood. Pure, and bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stylise::{Counts, HEAT_CELLS, HeatMap, HourCount, UnixHour};

use super::seen::{Place, SeenPicture};
use super::stays::Stays;

/// Further classes count as one: models have up to some hundreds.
const CLASSES_MAX: usize = 20;
pub(super) const OTHER_CLASSES: &str = "other";
/// Between two pictures, at most this much counts as presence: nothing is known of longer gaps.
const GAP_MAX: Duration = Duration::from_secs(2);
/// Maps and hours that are kept while they cannot be written, 2.3 kB and some ten bytes each.
const MAPS_MAX: usize = 256;
const HOURS_MAX: usize = 4096;

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    entered: u32,
    present_ms: u64,
    most: u32,
}

/// What was counted since it was taken last.
#[derive(Debug, Default)]
pub(super) struct Tally {
    hours: BTreeMap<(UnixHour, Place), Sums>,
    /// By hour, camera and class.
    heat: BTreeMap<(UnixHour, String, String), HeatMap>,
    classes: BTreeSet<String>,
    last_at: Option<Instant>,
}

impl Tally {
    /// The picture with the classes that have a name of their own here.
    pub(super) fn with_few_classes(&mut self, mut seen: SeenPicture) -> SeenPicture {
        for object in &mut seen.objects {
            if self.classes.contains(&object.class) {
                continue;
            }
            if self.classes.len() < CLASSES_MAX {
                self.classes.insert(object.class.clone());
            } else {
                OTHER_CLASSES.clone_into(&mut object.class);
            }
        }
        seen
    }

    pub(super) fn add_entry(&mut self, hour: UnixHour, place: &Place) {
        self.sums(hour, place.clone()).entered += 1;
    }

    /// Adds the time since the picture before to those who are there.
    pub(super) fn add_seen(&mut self, seen: &SeenPicture, stays: &Stays) {
        let before = self.last_at.replace(seen.captured_at);
        let passed = before.map_or(Duration::ZERO, |before| {
            seen.captured_at.saturating_duration_since(before)
        });
        let passed_ms = passed.min(GAP_MAX).as_millis() as u32;
        for (place, count) in stays.present_counts(seen.captured_at) {
            let sums = self.sums(seen.hour, place);
            sums.present_ms += u64::from(passed_ms) * u64::from(count);
            sums.most = sums.most.max(count);
        }
        for object in &seen.objects {
            if let Some(foot) = object.foot {
                let key = (seen.hour, seen.camera.clone(), object.class.clone());
                let map = self.heat.entry(key.clone());
                let map = map.or_insert_with(|| HeatMap::empty(key.0, key.1, key.2));
                let cell = &mut map.cells_ms[cell_of(foot)];
                *cell = cell.saturating_add(passed_ms);
            }
        }
        self.bound();
    }

    pub(super) fn counts(&self) -> Counts {
        let hour = |((hour, place), sums): (&(UnixHour, Place), &Sums)| HourCount {
            hour: *hour,
            zone: place.zone.clone(),
            class: place.class.clone(),
            entered: sums.entered,
            present_ms: sums.present_ms,
            most: sums.most,
        };
        Counts {
            hours: self.hours.iter().map(hour).collect(),
            heat: self.heat.values().cloned().collect(),
        }
    }

    pub(super) fn take(&mut self) -> Counts {
        let counts = self.counts();
        self.hours.clear();
        self.heat.clear();
        counts
    }

    pub(super) fn add(&mut self, counts: &Counts) {
        for count in &counts.hours {
            let place = Place {
                zone: count.zone.clone(),
                class: count.class.clone(),
            };
            let sums = self.sums(count.hour, place);
            sums.entered += count.entered;
            sums.present_ms += count.present_ms;
            sums.most = sums.most.max(count.most);
        }
        for map in &counts.heat {
            let key = (map.hour, map.camera.clone(), map.class.clone());
            match self.heat.get_mut(&key) {
                Some(known) => known.add(&map.cells_ms),
                None => drop(self.heat.insert(key, map.clone())),
            }
        }
        self.bound();
    }

    fn sums(&mut self, hour: UnixHour, place: Place) -> &mut Sums {
        self.hours.entry((hour, place)).or_default()
    }

    fn bound(&mut self) {
        // overflow: newest-wins (what could not be written for days)
        while self.heat.len() > MAPS_MAX {
            self.heat.pop_first();
        }
        while self.hours.len() > HOURS_MAX {
            self.hours.pop_first();
        }
    }
}

/// The cell of a point in 0..=1 of the picture.
fn cell_of((x, y): (f32, f32)) -> usize {
    let (columns, rows) = HEAT_CELLS;
    // As a cast of a float, NaN and what is negative are 0.
    let place = |part: f32, count: usize| ((part * count as f32) as usize).min(count - 1);
    place(y, rows) * columns + place(x, columns)
}

#[cfg(test)]
mod tests {
    use super::super::seen::{SeenObject, SeenZone};
    use super::*;

    struct Rig {
        tally: Tally,
        stays: Stays,
        now: Instant,
        hour: UnixHour,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                tally: Tally::default(),
                stays: Stays::default(),
                now: Instant::now(),
                hour: 100,
            }
        }

        /// A picture with persons at the upper left, all of them in the zone "door".
        fn after(&mut self, millis: u64, persons: u64) {
            self.now += Duration::from_millis(millis);
            let object = |track| SeenObject {
                track,
                class: "person".to_owned(),
                zones: vec![SeenZone {
                    name: "door".to_owned(),
                    dwell_s: 0,
                }],
                foot: Some((0.0, 0.0)),
            };
            let seen = SeenPicture {
                captured_at: self.now,
                hour: self.hour,
                camera: "front".to_owned(),
                objects: (0..persons).map(object).collect(),
            };
            self.stays.update(&seen);
            self.tally.add_seen(&seen, &self.stays);
        }

        fn present(&self) -> Vec<(UnixHour, String, u64, u32)> {
            let row = |count: HourCount| (count.hour, count.zone, count.present_ms, count.most);
            self.tally.counts().hours.into_iter().map(row).collect()
        }
    }

    #[test]
    fn time_is_added_to_the_hour_in_which_it_passes() {
        let mut rig = Rig::new();
        rig.after(0, 2);
        rig.after(1000, 2);
        rig.after(1000, 2);
        rig.hour += 1;
        rig.after(500, 1);
        let zone = |name: &str| name.to_owned();
        assert_eq!(
            rig.present(),
            [
                (100, zone(""), 4000, 2),
                (100, zone("door"), 4000, 2),
                (101, zone(""), 500, 1),
                (101, zone("door"), 500, 1),
            ]
        );
        let heat = rig.tally.counts().heat;
        let cells: Vec<_> = heat.iter().map(|map| (map.hour, map.cells_ms[0])).collect();
        assert_eq!(cells, [(100, 4000), (101, 500)]);
        assert_eq!((heat[0].camera.as_str(), heat[0].cells_ms[1]), ("front", 0));
    }

    #[test]
    fn a_long_gap_is_not_presence() {
        let mut rig = Rig::new();
        rig.after(0, 1);
        rig.after(1000, 1);
        rig.after(600_000, 1);
        assert_eq!(rig.present()[0].2, 3000);
    }

    #[test]
    fn what_could_not_be_written_is_added_again() {
        let mut rig = Rig::new();
        rig.after(0, 1);
        rig.after(1000, 1);
        let taken = rig.tally.take();
        assert_eq!(rig.tally.counts(), Counts::default());
        rig.after(1000, 1);
        rig.tally.add(&taken);
        rig.tally.add(&taken);
        assert_eq!(rig.present()[0].2, 3000);
        assert_eq!(rig.tally.counts().heat[0].cells_ms[0], 3000);
    }

    #[test]
    fn the_number_of_classes_and_maps_is_bounded() {
        let mut rig = Rig::new();
        let picture = |rig: &Rig, class: String| SeenPicture {
            captured_at: rig.now,
            hour: rig.hour,
            camera: String::new(),
            objects: vec![SeenObject {
                track: 1,
                class,
                zones: Vec::new(),
                foot: Some((0.5, 0.5)),
            }],
        };
        for hour in 0..500 {
            rig.hour = hour;
            let seen = picture(&rig, format!("class {hour}"));
            let seen = rig.tally.with_few_classes(seen);
            let is_own = hour < CLASSES_MAX as u32;
            assert_eq!(seen.objects[0].class == OTHER_CLASSES, !is_own);
            rig.tally.add_seen(&seen, &rig.stays);
        }
        assert_eq!(rig.tally.counts().heat.len(), MAPS_MAX);
        assert_eq!(rig.tally.counts().heat[MAPS_MAX - 1].hour, 499);
        let known = picture(&rig, "class 3".to_owned());
        let known = rig.tally.with_few_classes(known);
        assert_eq!(known.objects[0].class, "class 3");
    }

    #[test]
    fn every_point_has_a_cell() {
        let (columns, rows) = HEAT_CELLS;
        let last = columns * rows - 1;
        for (point, cell) in [
            ((0.0, 0.0), 0),
            ((0.999, 0.0), columns - 1),
            ((1.0, 1.0), last),
            ((7.0, 9.0), last),
            ((-1.0, -1.0), 0),
            ((f32::NAN, f32::NAN), 0),
            ((0.5, 0.5), rows / 2 * columns + columns / 2),
        ] {
            assert_eq!(cell_of(point), cell, "{point:?}");
        }
    }
}
