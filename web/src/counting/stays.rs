//! How long each object is in the picture and in each zone. Pure: time comes with the pictures.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::seen::{LongStay, Place, SeenPicture};

/// An object counts when it has been there for this long: a track that flickers counts nothing.
const COUNTED_AFTER: Duration = Duration::from_millis(800);
/// An object that is not seen for this long has left. The tracker may find it again before.
const LEFT_AFTER: Duration = Duration::from_secs(5);

/// A stay by its track and its zone; an empty zone is the whole picture.
type StayKey = (u64, String);

#[derive(Debug)]
struct Stay {
    class: String,
    since: Instant,
    seen_at: Instant,
    is_counted: bool,
    is_told: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum StayChange {
    Entered(Place),
    Long(LongStay),
    Left { zone: String, stayed: Duration },
}

/// The objects that are there.
#[derive(Debug, Default)]
pub(super) struct Stays(BTreeMap<StayKey, Stay>);

impl Stays {
    /// What changed with a picture.
    pub(super) fn update(&mut self, seen: &SeenPicture) -> Vec<StayChange> {
        let now = seen.captured_at;
        let mut changes = Vec::new();
        for object in &seen.objects {
            let in_zones = object
                .zones
                .iter()
                .map(|zone| (zone.name.as_str(), zone.dwell_s));
            for (zone, dwell_s) in std::iter::once(("", 0)).chain(in_zones) {
                let stay = self
                    .0
                    .entry((object.track, zone.to_owned()))
                    .or_insert_with(|| Stay {
                        class: object.class.clone(),
                        since: now,
                        seen_at: now,
                        is_counted: false,
                        is_told: false,
                    });
                stay.seen_at = now;
                changes.extend(stay.counted(zone));
                changes.extend(stay.told((object.track, zone), dwell_s));
            }
        }
        let is_there = |(track, zone): &StayKey, stay: &Stay| {
            let object = seen.objects.iter().find(|object| object.track == *track);
            match object {
                // Out of the zone: the edge has a hysteresis already.
                Some(object) => zone.is_empty() || object.zones.iter().any(|one| one.name == *zone),
                None => now.saturating_duration_since(stay.seen_at) < LEFT_AFTER,
            }
        };
        let gone = self.0.extract_if(.., |key, stay| !is_there(key, stay));
        changes.extend(gone.filter_map(|((_, zone), stay)| {
            let stayed = stay.duration();
            stay.is_counted.then_some(StayChange::Left { zone, stayed })
        }));
        changes
    }

    /// How many objects are there in the picture that was captured at `at`, by zone and class.
    pub(super) fn present_counts(&self, at: Instant) -> BTreeMap<Place, u32> {
        let mut counts = BTreeMap::new();
        let now = self
            .0
            .iter()
            .filter(|(_, stay)| stay.is_counted && stay.seen_at == at);
        for ((_, zone), stay) in now {
            let place = Place {
                zone: zone.clone(),
                class: stay.class.clone(),
            };
            *counts.entry(place).or_default() += 1;
        }
        counts
    }

    /// Ends all stays; the zone and the duration of each one that counted.
    pub(super) fn end_all(&mut self) -> Vec<(String, Duration)> {
        let all = std::mem::take(&mut self.0).into_iter();
        let counted = all.filter(|(_, stay)| stay.is_counted);
        counted
            .map(|((_, zone), stay)| (zone, stay.duration()))
            .collect()
    }
}

impl Stay {
    fn duration(&self) -> Duration {
        self.seen_at.saturating_duration_since(self.since)
    }

    fn counted(&mut self, zone: &str) -> Option<StayChange> {
        if self.is_counted || self.duration() < COUNTED_AFTER {
            return None;
        }
        self.is_counted = true;
        Some(StayChange::Entered(self.place(zone)))
    }

    /// `dwell_s`: 0: never.
    fn told(&mut self, (track, zone): (u64, &str), dwell_s: u32) -> Option<StayChange> {
        let is_long = self.duration() >= Duration::from_secs(dwell_s.into());
        if dwell_s == 0 || self.is_told || !self.is_counted || !is_long {
            return None;
        }
        self.is_told = true;
        Some(StayChange::Long(LongStay {
            place: self.place(zone),
            track,
            seconds: dwell_s,
        }))
    }

    fn place(&self, zone: &str) -> Place {
        Place {
            zone: zone.to_owned(),
            class: self.class.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::{SeenObject, SeenZone};
    use super::*;

    /// Pictures on a virtual clock.
    struct Rig {
        stays: Stays,
        now: Instant,
    }

    impl Rig {
        fn new() -> Self {
            let now = Instant::now();
            let stays = Stays::default();
            Self { stays, now }
        }

        /// A picture so many milliseconds later, with tracks and the zones of each.
        fn after(&mut self, millis: u64, objects: &[(u64, &[&str])]) -> Vec<String> {
            self.now += Duration::from_millis(millis);
            let object = |(track, zones): &(u64, &[&str])| SeenObject {
                track: *track,
                class: "person".to_owned(),
                zones: zones
                    .iter()
                    .map(|name| SeenZone {
                        name: (*name).to_owned(),
                        dwell_s: 10,
                    })
                    .collect(),
                foot: None,
            };
            let changes = self.stays.update(&SeenPicture {
                captured_at: self.now,
                hour: 0,
                camera: String::new(),
                objects: objects.iter().map(object).collect(),
            });
            let words = |change: &StayChange| match change {
                StayChange::Entered(place) => format!("+{}", place.zone),
                StayChange::Long(stay) => {
                    format!("{}s {} {}", stay.seconds, stay.place.zone, stay.track)
                }
                StayChange::Left { zone, stayed } => format!("-{zone} {}", stayed.as_millis()),
            };
            changes.iter().map(words).collect()
        }
    }

    #[test]
    fn an_object_enters_is_told_of_once_and_leaves() {
        let mut rig = Rig::new();
        assert!(rig.after(0, &[(1, &[])]).is_empty());
        assert_eq!(rig.after(800, &[(1, &[])]), ["+"]);
        assert!(rig.after(200, &[(1, &["door"])]).is_empty());
        assert_eq!(rig.after(1000, &[(1, &["door"])]), ["+door"]);
        for _ in 0..8 {
            assert!(rig.after(1000, &[(1, &["door"])]).is_empty());
        }
        assert_eq!(rig.after(1000, &[(1, &["door"])]), ["10s door 1"]);
        assert!(rig.after(1000, &[(1, &["door"])]).is_empty(), "once");
        assert_eq!(rig.after(100, &[(1, &[])]), ["-door 11000"]);
        assert!(rig.after(4900, &[]).is_empty(), "it may be found again");
        assert_eq!(rig.after(100, &[]), ["- 12100"]);
        assert!(rig.stays.0.is_empty());
    }

    #[test]
    fn a_track_that_flickers_counts_nothing() {
        let mut rig = Rig::new();
        for track in 0..100 {
            assert!(rig.after(500, &[(track, &["door"])]).is_empty());
            assert!(rig.after(500, &[]).is_empty());
        }
        assert!(rig.stays.0.len() < 20, "they are forgotten");
    }

    #[test]
    fn a_short_gap_is_one_stay() {
        let mut rig = Rig::new();
        rig.after(0, &[(1, &["door"])]);
        assert_eq!(rig.after(1000, &[(1, &["door"])]), ["+", "+door"]);
        assert!(rig.after(2000, &[]).is_empty());
        assert!(rig.after(2000, &[(1, &["door"])]).is_empty());
        assert_eq!(
            rig.stays.end_all(),
            [
                (String::new(), Duration::from_secs(5)),
                ("door".to_owned(), Duration::from_secs(5))
            ]
        );
    }

    #[test]
    fn those_who_are_there_are_counted_by_zone() {
        let mut rig = Rig::new();
        rig.after(0, &[(1, &["door"]), (2, &[])]);
        rig.after(1000, &[(1, &["door"]), (2, &[])]);
        let place = |zone: &str| Place {
            zone: zone.to_owned(),
            class: "person".to_owned(),
        };
        let counts = rig.stays.present_counts(rig.now);
        assert_eq!(counts, [(place(""), 2), (place("door"), 1)].into());
        rig.after(100, &[(2, &[])]);
        let counts = rig.stays.present_counts(rig.now);
        assert_eq!(counts, [(place(""), 1)].into());
    }
}
