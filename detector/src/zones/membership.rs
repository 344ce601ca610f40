//! Which tracks are in which zones, with hysteresis: a box that jitters on an edge neither enters nor leaves. Pure:
//! time is an argument.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Zone, ZoneKind, ZoneMarks};
use crate::detection::{BBox, Detection};
use crate::tracks::Track;

/// A track has to be on the other side of an edge for this long before it has crossed it.
const HOLD: Duration = Duration::from_millis(400);
/// The tracker may find an object again after this time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// A picture: its size in pixels, and the name of its camera.
pub(crate) type Picture<'a> = ((u32, u32), Option<&'a str>);

/// The zones in use, and where each track is.
#[derive(Debug)]
pub(crate) struct ZoneMembership {
    named: Arc<[Zone]>,
    ignored: Vec<Zone>,
    places: HashMap<u64, Place>,
}

/// Where a track is.
#[derive(Debug)]
struct Place {
    bits: u16,
    /// Since when it is on the other side, by zone.
    crossing: Vec<(usize, Instant)>,
    seen_at: Instant,
}

impl Default for ZoneMembership {
    fn default() -> Self {
        Self {
            named: Arc::from([]),
            ignored: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl ZoneMembership {
    /// Replaces the zones. Where tracks are is found anew with the next frame.
    pub(crate) fn set(&mut self, zones: &[Zone]) {
        let of_kind = |kind| zones.iter().filter(move |zone| zone.kind == kind).cloned();
        self.named = of_kind(ZoneKind::Named).collect();
        self.ignored = of_kind(ZoneKind::Ignore).collect();
        self.places.clear();
    }

    /// Whether a detection lies in no ignored zone.
    pub(crate) fn keeps(&self, found: &Detection, (size, camera): Picture<'_>) -> bool {
        let is_in = |zone: &Zone| zone.is_for(camera) && zone.holds(&found.bbox, sides(size));
        !self.ignored.iter().any(is_in)
    }

    /// Marks the tracks of the frame that was captured at `at` with their zones.
    pub(crate) fn mark(&mut self, tracks: &mut [Track], (size, camera): Picture<'_>, at: Instant) {
        if self.named.is_empty() {
            return;
        }
        let known = |place: &Place| at.saturating_duration_since(place.seen_at) < FORGOTTEN_AFTER;
        self.places.retain(|_, place| known(place));
        for track in tracks {
            let bits = self.bits_of(&track.bbox, sides(size), camera);
            let place = self.places.entry(track.id).or_insert_with(|| Place {
                bits,
                crossing: Vec::new(),
                seen_at: at,
            });
            place.seen_at = at;
            // Where it is predicted to be shows nothing.
            if !track.is_coasting() {
                place.follow(bits, self.named.len(), at);
            }
            track.zones = ZoneMarks::new(place.bits, &self.named);
        }
    }

    fn bits_of(&self, bbox: &BBox, size: (f32, f32), camera: Option<&str>) -> u16 {
        let numbered = self.named.iter().enumerate();
        let inside = numbered.filter(|(_, zone)| zone.is_for(camera) && zone.holds(bbox, size));
        inside.fold(0, |bits, (index, _)| bits | 1 << index)
    }
}

impl Place {
    /// Takes over what has been so for [`HOLD`].
    fn follow(&mut self, bits: u16, zones: usize, at: Instant) {
        for index in 0..zones {
            let is_same = (self.bits ^ bits) >> index & 1 == 0;
            let begun = self.crossing.iter().position(|(zone, _)| *zone == index);
            match begun {
                None if is_same => {}
                None => self.crossing.push((index, at)),
                Some(begun) if is_same => {
                    self.crossing.swap_remove(begun);
                }
                Some(begun) => {
                    let since = self.crossing[begun].1;
                    if at.saturating_duration_since(since) >= HOLD {
                        self.crossing.swap_remove(begun);
                        self.bits ^= 1 << index;
                    }
                }
            }
        }
    }
}

fn sides((width, height): (u32, u32)) -> (f32, f32) {
    (width.max(1) as f32, height.max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (1000, 500);
    const PICTURE: Picture<'static> = (SIZE, None);

    fn zone(name: &str, kind: ZoneKind, left: f32, right: f32) -> Zone {
        Zone {
            name: name.to_owned(),
            kind,
            points: vec![[left, 0.0], [right, 0.0], [right, 1.0], [left, 1.0]],
            camera: None,
            anchor: None,
            dwell_s: 0,
        }
    }

    /// Two zones that overlap between 0.4 and 0.5, on a virtual clock.
    struct Rig {
        membership: ZoneMembership,
        now: Instant,
    }

    impl Rig {
        fn new() -> Self {
            let mut membership = ZoneMembership::default();
            membership.set(&[
                zone("left", ZoneKind::Named, 0.0, 0.5),
                zone("right", ZoneKind::Named, 0.4, 1.0),
            ]);
            let now = Instant::now();
            Self { membership, now }
        }

        /// The zones of a track whose foot is at `x`, so many milliseconds later.
        fn at(&mut self, millis: u64, x: f32) -> Vec<String> {
            let bbox = BBox::around(x * 1000.0, 250.0, 50.0, 100.0);
            self.track(millis, Track::still(1, 0, 0.9, bbox))
        }

        fn track(&mut self, millis: u64, track: Track) -> Vec<String> {
            self.now += Duration::from_millis(millis);
            let mut tracks = [track];
            self.membership.mark(&mut tracks, PICTURE, self.now);
            let names = tracks[0].zones.iter().map(|zone| zone.name.clone());
            names.collect()
        }
    }

    #[test]
    fn a_track_begins_where_it_is_and_crosses_after_a_while() {
        let mut rig = Rig::new();
        assert_eq!(rig.at(0, 0.2), ["left"]);
        assert_eq!(rig.at(100, 0.45), ["left"]);
        assert_eq!(rig.at(400, 0.45), ["left", "right"]);
        assert_eq!(rig.at(100, 0.8), ["left", "right"]);
        assert_eq!(rig.at(399, 0.8), ["left", "right"]);
        assert_eq!(rig.at(1, 0.8), ["right"]);
    }

    #[test]
    fn jitter_on_an_edge_is_no_crossing() {
        let mut rig = Rig::new();
        assert_eq!(rig.at(0, 0.39), ["left"]);
        for step in 0..100 {
            let x = if step % 3 == 0 { 0.39 } else { 0.41 };
            assert_eq!(rig.at(150, x), ["left"], "step {step}");
        }
    }

    #[test]
    fn one_detection_a_second_is_enough() {
        let mut rig = Rig::new();
        assert_eq!(rig.at(0, 0.2), ["left"]);
        assert_eq!(rig.at(1000, 0.8), ["left"]);
        assert_eq!(rig.at(1000, 0.8), ["right"]);
    }

    #[test]
    fn a_predicted_place_is_no_crossing() {
        let mut rig = Rig::new();
        assert_eq!(rig.at(0, 0.2), ["left"]);
        let coasting = |x: f32| {
            let bbox = BBox::around(x * 1000.0, 250.0, 50.0, 100.0);
            let (motion, long) = (crate::tracks::Motion::default(), Duration::from_secs(2));
            Track::still(1, 0, 0.9, bbox).moving(motion, Duration::from_millis(200), long)
        };
        for _ in 0..10 {
            assert_eq!(rig.track(200, coasting(0.8)), ["left"]);
        }
        assert_eq!(rig.at(100, 0.8), ["left"]);
        assert_eq!(rig.at(400, 0.8), ["right"]);
    }

    #[test]
    fn other_zones_are_in_effect_with_the_next_frame() {
        let mut rig = Rig::new();
        assert_eq!(rig.at(0, 0.2), ["left"]);
        rig.membership
            .set(&[zone("all", ZoneKind::Named, 0.0, 1.0)]);
        assert_eq!(rig.at(40, 0.2), ["all"]);
        rig.membership.set(&[]);
        assert_eq!(rig.at(40, 0.2), Vec::<String>::new());
    }

    #[test]
    fn a_zone_of_another_camera_is_empty() {
        let mut rig = Rig::new();
        let own = Zone {
            camera: Some("front".to_owned()),
            ..zone("own", ZoneKind::Named, 0.0, 1.0)
        };
        rig.membership.set(&[own]);
        for (id, camera, count) in [(1, Some("front"), 1), (2, Some("back"), 0), (3, None, 0)] {
            let mut tracks = [Track::still(
                id,
                0,
                0.9,
                BBox::around(500.0, 250.0, 50.0, 50.0),
            )];
            rig.membership.mark(&mut tracks, (SIZE, camera), rig.now);
            assert_eq!(tracks[0].zones.iter().count(), count, "{camera:?}");
        }
    }

    #[test]
    fn ignored_zones_drop_detections_and_mark_nothing() {
        let mut rig = Rig::new();
        rig.membership
            .set(&[zone("poster", ZoneKind::Ignore, 0.5, 1.0)]);
        let found = |x: f32| Detection {
            class_id: 0,
            score: 0.9,
            bbox: BBox::around(x, 250.0, 50.0, 100.0),
        };
        assert!(rig.membership.keeps(&found(400.0), PICTURE));
        assert!(!rig.membership.keeps(&found(700.0), PICTURE));
        assert_eq!(rig.at(0, 0.7), Vec::<String>::new());
    }

    #[test]
    fn ended_tracks_are_forgotten() {
        let mut rig = Rig::new();
        rig.at(0, 0.2);
        let other = |id| Track::still(id, 0, 0.9, BBox::around(200.0, 250.0, 50.0, 50.0));
        for id in 2..50 {
            rig.track(1000, other(id));
        }
        assert!(rig.membership.places.len() <= 10);
    }
}
