//! Which rendition a viewer gets, and what each rendition's encoder aims at: what most of its viewers
//! can take.

#[cfg(test)]
pub(crate) mod tests;

use crate::encode::encoder::{Rendition, RenditionId};

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

/// Of a viewer's ceiling: headers and retransmissions take the rest.
const MEDIA_SHARE: f32 = 0.92;
/// One viewer in four may be slower than the stream; it then goes to a smaller one.
const SLOWER_PART: usize = 4;
/// The largest cut of a rate. Below it the next smaller picture looks better.
const LEAST_SHARE: f32 = 0.5;
/// A rendition stays this much above the nominal rate of the next smaller one.
const APART: f32 = 1.1;

/// Gives the ladder its targets. `viewers`: what each watches, and its ceiling if it has one.
pub(crate) fn targets(
    ladder: &mut [Rung],
    viewers: impl Iterator<Item = (RenditionId, Option<u32>)>,
) {
    let mut limited: [Vec<u32>; RenditionId::LIMIT] = Default::default();
    let mut all = [0_usize; RenditionId::LIMIT];
    for (rendition, ceiling_bps) in viewers {
        all[rendition.index()] += 1;
        limited[rendition.index()].extend(ceiling_bps);
    }
    for place in 0..ladder.len() {
        let next_bps = ladder
            .get(place + 1)
            .map_or(0.0, |rung| rung.nominal_bps as f32 * APART);
        let rung = &mut ladder[place];
        let slowest = &mut limited[rung.id.index()];
        slowest.sort_unstable();
        // Viewers without a ceiling are the fastest.
        let deciding = slowest.get(all[rung.id.index()].saturating_sub(1).div_ceil(SLOWER_PART));
        let nominal = rung.nominal_bps as f32;
        let least = (nominal * LEAST_SHARE).max(next_bps).min(nominal);
        rung.target_bps = deciding.map_or(rung.nominal_bps, |bps| {
            (*bps as f32 * MEDIA_SHARE).clamp(least, nominal) as u32
        });
    }
}

/// The ladder before anything is known of any viewer.
pub(crate) fn ladder(renditions: &[Rendition]) -> Vec<Rung> {
    renditions
        .iter()
        .map(|rendition| Rung {
            id: rendition.id,
            nominal_bps: rendition.bitrate_bps,
            target_bps: rendition.bitrate_bps,
        })
        .collect()
}

/// Says how a viewer may ask for a rendition: `auto`, a name as `720p`, or its number.
pub(crate) fn choice(renditions: &[Rendition], wanted: &str) -> Option<Choice> {
    if wanted.eq_ignore_ascii_case("auto") {
        return Some(Choice::Auto);
    }
    let named = renditions
        .iter()
        .find(|rendition| rendition.name().eq_ignore_ascii_case(wanted));
    named.map(|rendition| Choice::Fixed(rendition.id))
}
