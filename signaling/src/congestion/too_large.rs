//! A rendition whose frames came too late although its rate is within the estimate: a keyframe that the encoder could not
//! make small enough, on a path that needs a second for it. Pure.

use std::time::{Duration, Instant};

use super::allocation::Rung;
use crate::encode::encoder::RenditionId;

/// For how long it is not used again; twice as long when it fails again soon after.
const FIRST: Duration = Duration::from_secs(5);
/// At most; a rendition that was used for longer than this before it fails starts with the first again.
const LONGEST: Duration = Duration::from_secs(80);

#[derive(Debug, Default)]
pub(super) struct TooLarge(Option<Known>);

#[derive(Debug, Clone, Copy)]
struct Known {
    rendition: RenditionId,
    until: Instant,
    wait: Duration,
}

impl TooLarge {
    /// Frames of it were dropped.
    pub(super) fn note(&mut self, now: Instant, rendition: RenditionId) {
        let is_recent = |known: &Known| now.saturating_duration_since(known.until) < LONGEST;
        let before = self
            .0
            .filter(|known| known.rendition == rendition && is_recent(known));
        let wait = before.map_or(FIRST, |known| (known.wait * 2).min(LONGEST));
        self.0 = Some(Known {
            rendition,
            until: now + wait,
            wait,
        });
    }

    /// The rendition to send instead of `current`; `None`: `current` fits, or is the smallest.
    pub(super) fn instead_of(
        &self,
        now: Instant,
        ladder: &[Rung],
        current: RenditionId,
    ) -> Option<RenditionId> {
        self.at(now, ladder)
            .filter(|place| ladder[*place].id == current)
            .and_then(|place| ladder.get(place + 1))
            .map(|rung| rung.id)
    }

    /// The part of the ladder that may be used now.
    pub(super) fn below<'a>(&self, now: Instant, ladder: &'a [Rung]) -> &'a [Rung] {
        let first = self.at(now, ladder).map_or(0, |place| place + 1);
        // The smallest is always used.
        &ladder[first.min(ladder.len().saturating_sub(1))..]
    }

    fn at(&self, now: Instant, ladder: &[Rung]) -> Option<usize> {
        let known = self.0.filter(|known| now < known.until)?;
        ladder.iter().position(|rung| rung.id == known.rendition)
    }
}

#[cfg(test)]
mod tests {
    use super::super::allocation::ladder;
    use super::*;
    use crate::encode::encoder::default_renditions;

    #[test]
    fn a_rendition_that_came_too_late_is_left_for_longer_each_time() {
        let ladder = ladder(&default_renditions());
        let ids: Vec<_> = ladder.iter().map(|rung| rung.id).collect();
        let (mut too_large, start) = (TooLarge::default(), Instant::now());
        assert_eq!(too_large.instead_of(start, &ladder, ids[1]), None);
        assert_eq!(too_large.below(start, &ladder).len(), 3);

        too_large.note(start, ids[1]);
        assert_eq!(too_large.instead_of(start, &ladder, ids[1]), Some(ids[2]));
        assert_eq!(too_large.instead_of(start, &ladder, ids[0]), None);
        assert_eq!(
            too_large.below(start, &ladder).first().map(|rung| rung.id),
            Some(ids[2])
        );
        let later = start + FIRST;
        assert_eq!(too_large.instead_of(later, &ladder, ids[1]), None);
        assert_eq!(too_large.below(later, &ladder).len(), 3);

        too_large.note(later, ids[1]);
        assert!(
            too_large
                .instead_of(later + FIRST, &ladder, ids[1])
                .is_some()
        );
        assert!(
            too_large
                .instead_of(later + 2 * FIRST, &ladder, ids[1])
                .is_none()
        );

        let much_later = later + 2 * FIRST + LONGEST;
        too_large.note(much_later, ids[1]);
        let after = much_later + FIRST;
        assert_eq!(too_large.instead_of(after, &ladder, ids[1]), None, "as new");
    }

    #[test]
    fn the_smallest_rendition_is_always_used() {
        let ladder = ladder(&default_renditions());
        let smallest = ladder.last().expect("there are some").id;
        let (mut too_large, now) = (TooLarge::default(), Instant::now());
        too_large.note(now, smallest);
        assert_eq!(too_large.instead_of(now, &ladder, smallest), None);
        assert_eq!(too_large.below(now, &ladder).len(), 1);
    }
}
