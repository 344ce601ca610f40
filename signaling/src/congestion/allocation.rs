//! Bitrate allocation: chooses a rendition for each viewer, and a target rate for each encoder that most
//! of its viewers can receive.

#[cfg(test)]
pub(crate) mod tests;

use crate::encode::encoder::{Rendition, RenditionId};

/// Moving up needs this much more than the rendition's rate, for headers, retransmissions and keyframes.
/// The gap to the rate at which a viewer moves down is the hysteresis.
const UPGRADE_SHARE: f32 = 1.1;
/// A probe tests more than moving up needs, so that its success is enough.
const PROBE_SHARE: f32 = 1.2;

/// A rendition as the allocation sees it. A ladder of them is sorted from the largest to the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) id: RenditionId,
    /// The configured rate.
    pub(crate) nominal_bps: u32,
    /// The rate that its encoder currently aims at.
    pub(crate) target_bps: u32,
    /// The bandwidth estimate that a viewer needs for it. An encoder that nobody watches can be throttled.
    pub(crate) needs_bps: u32,
}

/// Who selects the rendition of a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RenditionChoice {
    /// The congestion control.
    #[default]
    Auto,
    /// The viewer, regardless of the network.
    Fixed(RenditionId),
}

/// The rate that a rendition's encoder aims at.
pub(super) fn target_of(ladder: &[Rung], id: RenditionId) -> u32 {
    let rung = ladder.iter().find(|rung| rung.id == id);
    rung.map_or(u32::MAX, |rung| rung.target_bps)
}

/// Returns the largest rendition within the bandwidth estimate, or the smallest when none is.
pub(crate) fn fitting(ladder: &[Rung], estimate_bps: u32) -> Option<RenditionId> {
    let fits = ladder.iter().find(|rung| rung.needs_bps <= estimate_bps);
    fits.or(ladder.last()).map(|rung| rung.id)
}

/// Returns the largest rendition above `current` that fits the bandwidth estimate with a margin.
pub(crate) fn upgrade(
    ladder: &[Rung],
    current: RenditionId,
    estimate_bps: Option<u32>,
) -> Option<RenditionId> {
    above(ladder, current)
        .iter()
        .find(|rung| estimate_bps.is_none_or(|bps| bps >= needed(rung)))
        .map(|rung| rung.id)
}

/// The estimate from which on a viewer moves up to a rendition.
fn needed(rung: &Rung) -> u32 {
    share(rung.needs_bps.min(rung.nominal_bps), UPGRADE_SHARE)
}

/// Whether the estimate is above the rate of the largest rendition.
pub(crate) fn carries_all(ladder: &[Rung], estimate_bps: u32) -> bool {
    let largest = ladder.first().map_or(0, |rung| rung.nominal_bps);
    estimate_bps >= share(largest, UPGRADE_SHARE)
}

/// Returns the rate to probe for: the nominal rate of the current rendition while its encoder is
/// throttled, else the rate of the next larger rendition.
///
/// `burst_bps`: the rate at which frames arrived lately. The largest rendition that it promises is tried at once.
pub(crate) fn probe_goal(
    ladder: &[Rung],
    current: RenditionId,
    estimate_bps: u32,
    burst_bps: Option<u32>,
) -> Option<u32> {
    let larger = above(ladder, current).iter();
    let mut goals = larger.flat_map(|rung| {
        let least = share(needed(rung), PROBE_SHARE / UPGRADE_SHARE);
        [share(rung.nominal_bps, PROBE_SHARE), least]
    });
    let promised = |goal: &u32| *goal > estimate_bps && burst_bps.is_some_and(|bps| *goal < bps);
    if let Some(goal) = goals.find(promised) {
        return Some(goal);
    }
    let own = ladder.iter().find(|rung| rung.id == current)?.nominal_bps;
    let next = above(ladder, current).last().map(|rung| rung.nominal_bps);
    let wanted = [Some(own), next].into_iter().flatten();
    let goal = wanted
        .map(|bps| share(bps, PROBE_SHARE))
        .find(|goal| *goal > estimate_bps);
    goal.or_else(|| next.map(|bps| share(bps, PROBE_SHARE)))
}

fn above(ladder: &[Rung], current: RenditionId) -> &[Rung] {
    let place = ladder.iter().position(|rung| rung.id == current);
    &ladder[..place.unwrap_or(0)]
}

fn share(bps: u32, of: f32) -> u32 {
    (bps as f32 * of) as u32
}

/// Share of the bandwidth estimate that media may use; headers and retransmissions take the rest.
const MEDIA_SHARE: f32 = 0.92;
/// One viewer in four may be slower than the stream; such a viewer moves to a smaller rendition. Of fewer viewers, one may
/// if the paths of the others show no limit.
const SLOWER_DIVISOR: usize = 4;
/// An encoder is throttled to this share at most. Below it the next smaller rendition looks better.
const MIN_SHARE: f32 = 0.5;
/// The largest rendition is kept for longer, because two viewers behind one link otherwise change it again and again, and
/// each change stops the picture for a moment.
const LARGEST_MIN_SHARE: f32 = 0.44;
/// There is none below the smallest one; it halves its frame rate instead.
const SMALLEST_MIN_SHARE: f32 = 0.45;
/// Minimum ratio of a target to the nominal rate of the next smaller rendition.
const MIN_DISTANCE: f32 = 1.1;

/// Sets the target rate of every rendition. `viewers`: each viewer's rendition and bandwidth estimate.
pub(crate) fn targets(
    ladder: &mut [Rung],
    viewers: impl Iterator<Item = (RenditionId, Option<u32>)>,
) {
    let mut limited: [Vec<u32>; RenditionId::LIMIT] = Default::default();
    let mut all = [0_usize; RenditionId::LIMIT];
    for (rendition, estimate_bps) in viewers {
        all[rendition.index()] += 1;
        limited[rendition.index()].extend(estimate_bps);
    }
    let count = ladder.len();
    for place in 0..count {
        let next_bps = ladder
            .get(place + 1)
            .map_or(0.0, |rung| rung.nominal_bps as f32 * MIN_DISTANCE);
        let rung = &mut ladder[place];
        let slowest = &mut limited[rung.id.index()];
        slowest.sort_unstable();
        let deciding = deciding(slowest, all[rung.id.index()]);
        let nominal = rung.nominal_bps as f32;
        let min_share = match place {
            _ if place + 1 == count => SMALLEST_MIN_SHARE,
            0 => LARGEST_MIN_SHARE,
            _ => MIN_SHARE,
        };
        let least = (nominal * min_share).max(next_bps).min(nominal);
        rung.target_bps = deciding.map_or(rung.nominal_bps, |bps| {
            (bps as f32 * MEDIA_SHARE).clamp(least, nominal) as u32
        });
        rung.needs_bps = match all[rung.id.index()] {
            0 => (least / MEDIA_SHARE) as u32,
            _ => rung.target_bps,
        };
    }
}

/// The estimate that an encoder follows; `None`: the path of the viewer who decides shows no limit. `known`: the estimates of
/// those of `viewers` who have one, from the slowest on.
fn deciding(known: &[u32], viewers: usize) -> Option<u32> {
    let are_all_limited = known.len() == viewers;
    let slower = match viewers < SLOWER_DIVISOR && are_all_limited {
        true => 0,
        false => viewers.saturating_sub(1).div_ceil(SLOWER_DIVISOR),
    };
    known.get(slower).copied()
}

/// Builds the ladder with every target at its nominal rate.
pub(crate) fn ladder(renditions: &[Rendition]) -> Vec<Rung> {
    renditions
        .iter()
        .map(|rendition| Rung {
            id: rendition.id,
            nominal_bps: rendition.bitrate_bps,
            target_bps: rendition.bitrate_bps,
            needs_bps: rendition.bitrate_bps,
        })
        .collect()
}

/// Parses what a viewer asks for: `auto` or a name such as `720p`.
pub(crate) fn parse_choice(renditions: &[Rendition], wanted: &str) -> Option<RenditionChoice> {
    if wanted.eq_ignore_ascii_case("auto") {
        return Some(RenditionChoice::Auto);
    }
    let named = renditions
        .iter()
        .find(|rendition| rendition.name().eq_ignore_ascii_case(wanted));
    named.map(|rendition| RenditionChoice::Fixed(rendition.id))
}
