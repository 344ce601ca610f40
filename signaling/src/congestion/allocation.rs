//! Which rendition a viewer gets.

use crate::rendition::RenditionId;

/// Climbing wants this much more than the rendition's rate: headers, retransmissions, keyframes.
const CLIMB_SHARE: f32 = 1.1;
/// A probe asks for more than climbing needs, so that its success is enough.
const PROBE_SHARE: f32 = 1.2;

/// A rendition as allocation sees it; a ladder of them goes from the largest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) id: RenditionId,
    /// What it is meant to have.
    pub(crate) nominal_bps: u32,
    /// What its encoder aims at now.
    pub(crate) target_bps: u32,
}

/// Who chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Choice {
    /// The network.
    #[default]
    Auto,
    /// The viewer, whatever the network says.
    Fixed(RenditionId),
}

/// The largest rendition under the ceiling; the smallest when none is.
pub(crate) fn fitting(ladder: &[Rung], ceiling_bps: u32) -> Option<RenditionId> {
    let fits = ladder.iter().find(|rung| rung.target_bps <= ceiling_bps);
    fits.or(ladder.last()).map(|rung| rung.id)
}

/// A larger rendition than `current` that has room under the ceiling.
pub(crate) fn climb(
    ladder: &[Rung],
    current: RenditionId,
    ceiling_bps: Option<u32>,
) -> Option<RenditionId> {
    above(ladder, current)
        .iter()
        .find(|rung| ceiling_bps.is_none_or(|bps| bps >= share(rung.nominal_bps, CLIMB_SHARE)))
        .map(|rung| rung.id)
}

/// Whether the ceiling is no limit for the largest rendition.
pub(crate) fn carries_all(ladder: &[Rung], ceiling_bps: u32) -> bool {
    let largest = ladder.first().map_or(0, |rung| rung.nominal_bps);
    ceiling_bps >= share(largest, CLIMB_SHARE)
}

/// The rate to probe for: that of this rendition while its encoder is held back, then of the next larger.
pub(crate) fn probe_goal(ladder: &[Rung], current: RenditionId, ceiling_bps: u32) -> Option<u32> {
    let own = ladder.iter().find(|rung| rung.id == current)?.nominal_bps;
    let next = above(ladder, current).last().map(|rung| rung.nominal_bps);
    let wanted = [Some(own), next].into_iter().flatten();
    let goal = wanted
        .map(|bps| share(bps, PROBE_SHARE))
        .find(|goal| *goal > ceiling_bps);
    goal.or_else(|| next.map(|bps| share(bps, PROBE_SHARE)))
}

fn above(ladder: &[Rung], current: RenditionId) -> &[Rung] {
    let place = ladder.iter().position(|rung| rung.id == current);
    &ladder[..place.unwrap_or(0)]
}

fn share(bps: u32, of: f32) -> u32 {
    (bps as f32 * of) as u32
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn ladder() -> Vec<Rung> {
        [1_500_000, 600_000, 200_000]
            .into_iter()
            .enumerate()
            .map(|(index, bps)| Rung {
                id: RenditionId::new(index).expect("three"),
                nominal_bps: bps,
                target_bps: bps,
            })
            .collect()
    }

    fn index(id: Option<RenditionId>) -> Option<usize> {
        id.map(RenditionId::index)
    }

    #[test]
    fn the_largest_that_fits_and_never_none() {
        let ladder = ladder();
        let fits = |bps| index(fitting(&ladder, bps));
        assert_eq!(fits(1_500_000), Some(0));
        assert_eq!(fits(900_000), Some(1));
        assert_eq!(fits(270_000), Some(2));
        assert_eq!(fits(50_000), Some(2));
        assert_eq!(fitting(&[], 1), None);
    }

    #[test]
    fn climbing_wants_some_room() {
        let ladder = ladder();
        let from = |place: usize, bps| index(climb(&ladder, ladder[place].id, bps));
        assert_eq!(from(2, Some(650_000)), None);
        assert_eq!(from(2, Some(700_000)), Some(1));
        assert_eq!(from(2, Some(1_800_000)), Some(0), "two at once");
        assert_eq!(from(1, None), Some(0));
        assert_eq!(from(0, None), None);
    }

    #[test]
    fn probes_aim_at_the_next_thing_to_gain() {
        let mut ladder = ladder();
        let goal = |ladder: &[Rung], place: usize, bps| probe_goal(ladder, ladder[place].id, bps);
        assert_eq!(goal(&ladder, 2, 270_000), Some(720_000));
        assert_eq!(
            goal(&ladder, 2, 180_000),
            Some(240_000),
            "its own rate first"
        );
        assert_eq!(goal(&ladder, 1, 700_000), Some(720_000));
        assert_eq!(goal(&ladder, 1, 800_000), Some(1_800_000));
        ladder[0].target_bps = 900_000;
        assert_eq!(
            goal(&ladder, 0, 950_000),
            Some(1_800_000),
            "its encoder is held back"
        );
        assert!(carries_all(&ladder, 1_800_000) && !carries_all(&ladder, 1_600_000));
    }
}
