//! Finds what changed between two looks at the station. Pure: time is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::event::{ClassCount, EventDetail, StationSummary};

/// A class's count has to stay above or below what was told for this long, so that a track which flickers gives no
/// events.
const HOLD: Duration = Duration::from_secs(1);

/// After a longer pause, counts are told as they are: nothing is known of the time between.
const PAUSE: Duration = Duration::from_secs(5);

/// The station at one moment. The classes are those of one detection result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) summary: StationSummary,
    /// When the picture was captured in which the classes were counted.
    pub(super) counted_at: Instant,
}

/// Remembers what was told.
#[derive(Debug, Default)]
pub(super) struct ChangeDetector {
    told: Option<StationSummary>,
    compared_at: Option<Instant>,
    /// By zone and class; without a zone: in the whole picture.
    unsettled: BTreeMap<(Option<String>, String), Unsettled>,
}

/// A count that is above, or below, the one that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unsettled {
    is_above: bool,
    since: Instant,
    /// The count since then that is nearest to the one that was told.
    nearest: usize,
}

impl ChangeDetector {
    /// What was told last.
    pub(super) fn told(&self) -> Option<&StationSummary> {
        self.told.as_ref()
    }

    /// What changed since the last call. The first call gives nothing: there is nothing to compare with.
    pub(super) fn compare(&mut self, sample: Sample, now: Instant) -> Vec<EventDetail> {
        let last = self.compared_at.replace(now);
        let paused = last.is_some_and(|last| now.saturating_duration_since(last) > PAUSE);
        let Some(mut told) = self.told.take() else {
            self.told = Some(sample.summary);
            return Vec::new();
        };
        let StationSummary {
            shutter,
            privacy,
            power,
            source,
            viewers,
            address,
            classes,
            zones,
        } = sample.summary;
        let mut changes = Vec::new();
        if shutter != told.shutter {
            changes.push(EventDetail::Shutter(shutter.clone()));
            told.shutter = shutter;
        }
        if privacy != told.privacy {
            told.privacy.clone_from(&privacy);
            changes.push(EventDetail::Privacy { mode: privacy });
        }
        if power != told.power {
            changes.push(EventDetail::Power(power));
            told.power = power;
        }
        if source != told.source {
            changes.push(EventDetail::Source(source.clone()));
            told.source = source;
        }
        if viewers != told.viewers {
            told.viewers = viewers;
            changes.push(EventDetail::Viewers { count: viewers });
        }
        if address != told.address {
            told.address.clone_from(&address);
            changes.push(EventDetail::Address { url: address });
        }
        let hold = if paused { Duration::ZERO } else { HOLD };
        let at = (sample.counted_at, hold);
        changes.extend(self.compare_classes(None, &mut told.classes, &classes, at));
        // The owner may have removed zones.
        told.zones.retain(|zone, _| zones.contains_key(zone));
        let is_there = |zone: &Option<String>| zone.iter().all(|zone| zones.contains_key(zone));
        self.unsettled.retain(|(zone, _), _| is_there(zone));
        for (zone, counts) in &zones {
            let told = told.zones.entry(zone.clone()).or_default();
            changes.extend(self.compare_classes(Some(zone), told, counts, at));
        }
        self.told = Some(told);
        changes
    }

    /// `zone`: `None`: in the whole picture. `at`: when the classes were counted, and how long a count has to hold.
    fn compare_classes(
        &mut self,
        zone: Option<&String>,
        told: &mut BTreeMap<String, usize>,
        counts: &BTreeMap<String, usize>,
        (at, hold): (Instant, Duration),
    ) -> Vec<EventDetail> {
        let count_in = |counts: &BTreeMap<String, usize>, class: &String| {
            counts.get(class).copied().unwrap_or_default()
        };
        let unsettled = self.unsettled.keys();
        let here = unsettled.filter(|(other, _)| other.as_ref() == zone);
        let names = told.keys().chain(counts.keys());
        let names = names.chain(here.map(|(_, class)| class));
        let names: BTreeSet<String> = names.cloned().collect();
        let mut changes = Vec::new();
        for class in names {
            let (before, count) = (count_in(told, &class), count_in(counts, &class));
            let key = (zone.cloned(), class.clone());
            if before == count {
                self.unsettled.remove(&key);
                continue;
            }
            let unsettled = Unsettled::next(self.unsettled.get(&key), before, count, at);
            if at.saturating_duration_since(unsettled.since) < hold {
                self.unsettled.insert(key, unsettled);
                continue;
            }
            self.unsettled.remove(&key);
            let count = unsettled.nearest;
            match count {
                0 => told.remove(&class),
                count => told.insert(class.clone(), count),
            };
            let zone = zone.cloned();
            let objects = ClassCount { class, count, zone };
            changes.push(match unsettled.is_above {
                true => EventDetail::Appeared(objects),
                false => EventDetail::Left(objects),
            });
        }
        changes
    }
}

impl Unsettled {
    fn next(earlier: Option<&Self>, told: usize, count: usize, at: Instant) -> Self {
        let is_above = count > told;
        let Some(earlier) = earlier.filter(|earlier| earlier.is_above == is_above) else {
            return Self {
                is_above,
                since: at,
                nearest: count,
            };
        };
        let nearest = match is_above {
            true => earlier.nearest.min(count),
            false => earlier.nearest.max(count),
        };
        Self {
            nearest,
            ..*earlier
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::event::{PowerSummary, ShutterSummary, SourceState, SourceSummary};
    use crate::power::PowerProfile;
    use crate::shutter::{Cause, ShutterState};

    /// A station on a virtual clock.
    struct Rig {
        changes: ChangeDetector,
        now: Instant,
        summary: StationSummary,
    }

    impl Rig {
        fn new() -> Self {
            let shutter = ShutterState::new(false, Cause::Start, 0);
            let summary = StationSummary {
                shutter: ShutterSummary::from(shutter),
                privacy: "open".to_owned(),
                power: PowerSummary {
                    profile: PowerProfile::Full,
                    battery_low: false,
                },
                source: SourceSummary {
                    state: SourceState::Live,
                    name: "test scene".to_owned(),
                },
                viewers: 0,
                address: "http://192.168.1.20:8080".to_owned(),
                classes: BTreeMap::new(),
                zones: BTreeMap::new(),
            };
            let mut rig = Self {
                changes: ChangeDetector::default(),
                now: Instant::now(),
                summary,
            };
            assert_eq!(rig.after(0), [], "the first state is no change");
            rig
        }

        fn after(&mut self, millis: u64) -> Vec<EventDetail> {
            self.now += Duration::from_millis(millis);
            let sample = Sample {
                summary: self.summary.clone(),
                counted_at: self.now,
            };
            self.changes.compare(sample, self.now)
        }

        fn persons(&mut self, count: usize) -> &mut Self {
            self.summary.classes = match count {
                0 => BTreeMap::new(),
                count => BTreeMap::from([("person".to_owned(), count)]),
            };
            self
        }
    }

    fn persons(count: usize, zone: Option<&str>) -> ClassCount {
        ClassCount {
            class: "person".to_owned(),
            count,
            zone: zone.map(str::to_owned),
        }
    }

    fn appeared(count: usize) -> EventDetail {
        EventDetail::Appeared(persons(count, None))
    }

    fn left(count: usize) -> EventDetail {
        EventDetail::Left(persons(count, None))
    }

    #[test]
    fn each_part_of_the_state_is_told_once_at_once() {
        let mut rig = Rig::new();
        rig.summary.viewers = 2;
        rig.summary.address = "http://10.0.0.9:8080".to_owned();
        rig.summary.privacy = "silhouettes".to_owned();
        rig.summary.power.battery_low = true;
        rig.summary.source.state = SourceState::Lost;
        rig.summary.shutter.closed = true;
        let names: Vec<_> = rig.after(200).iter().map(EventDetail::name).collect();
        assert_eq!(
            names,
            [
                "shutter", "privacy", "power", "source", "viewers", "address"
            ]
        );
        assert_eq!(rig.after(200), []);
        assert_eq!(rig.changes.told(), Some(&rig.summary));
    }

    #[test]
    fn a_count_is_told_when_it_has_held_for_a_second() {
        let mut rig = Rig::new();
        assert_eq!(rig.persons(1).after(200), []);
        assert_eq!(rig.after(900), []);
        assert_eq!(rig.after(100), [appeared(1)]);
        assert_eq!(rig.persons(3).after(200), []);
        assert_eq!(rig.after(1000), [appeared(3)]);
        assert_eq!(rig.persons(1).after(200), []);
        assert_eq!(rig.after(1000), [left(1)]);
        assert_eq!(rig.persons(0).after(200), []);
        assert_eq!(rig.after(1000), [left(0)]);
        assert!(rig.changes.told().expect("told").classes.is_empty());
    }

    #[test]
    fn each_zone_has_counts_of_its_own() {
        let mut rig = Rig::new();
        let count = |count: usize| BTreeMap::from([("person".to_owned(), count)]);
        rig.summary.zones = BTreeMap::from([("door".to_owned(), BTreeMap::new())]);
        assert_eq!(rig.persons(1).after(200), []);
        assert_eq!(rig.after(1000), [appeared(1)]);
        rig.summary.zones.insert("door".to_owned(), count(1));
        assert_eq!(rig.after(200), []);
        let entered = EventDetail::Appeared(persons(1, Some("door")));
        assert_eq!(rig.after(1000), [entered]);
        assert_eq!(rig.changes.told(), Some(&rig.summary));
        rig.summary.zones.insert("door".to_owned(), BTreeMap::new());
        rig.after(200);
        let gone = EventDetail::Left(persons(0, Some("door")));
        assert_eq!(rig.after(1000), [gone]);
        rig.summary.zones.insert("door".to_owned(), count(2));
        rig.after(200);
        rig.summary.zones.clear();
        assert_eq!(rig.after(1000), [], "the owner has removed it");
        assert!(rig.changes.unsettled.is_empty());
    }

    #[test]
    fn a_flickering_track_gives_no_events() {
        let mut rig = Rig::new();
        for _ in 0..50 {
            assert_eq!(rig.persons(1).after(400), []);
            assert_eq!(rig.persons(0).after(400), []);
        }
        rig.persons(1).after(200);
        assert_eq!(rig.after(1000), [appeared(1)]);
        for _ in 0..50 {
            assert_eq!(rig.persons(0).after(900), []);
            assert_eq!(rig.persons(1).after(100), []);
        }
    }

    #[test]
    fn a_crowd_with_a_flickering_count_appears_once_with_the_sure_part_of_it() {
        let mut rig = Rig::new();
        let mut told = Vec::new();
        for turn in 0..40 {
            told.extend(rig.persons(5 + turn % 2).after(200));
        }
        assert_eq!(told, [appeared(5)]);
        let mut told = Vec::new();
        for turn in 0..40 {
            told.extend(rig.persons(1 + turn % 2).after(200));
        }
        assert_eq!(told, [left(2)]);
    }

    #[test]
    fn a_slow_detector_needs_two_results() {
        let mut rig = Rig::new();
        assert_eq!(rig.persons(1).after(200), []);
        // Between results, the newest one is looked at again.
        let counted_at = rig.now;
        for millis in [400, 800, 1200] {
            let sample = Sample {
                summary: rig.summary.clone(),
                counted_at,
            };
            let now = rig.now + Duration::from_millis(millis);
            assert_eq!(rig.changes.compare(sample, now), []);
        }
        assert_eq!(rig.after(1200), [appeared(1)]);
    }

    #[test]
    fn after_a_pause_the_counts_are_told_as_they_are() {
        let mut rig = Rig::new();
        assert_eq!(rig.persons(2).after(60_000), [appeared(2)]);
        assert_eq!(rig.after(200), []);
    }
}
