//! What each rendition's encoder aims at: what most of its viewers can take.

use super::allocation::Rung;
use crate::rendition::RenditionId;

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

#[cfg(test)]
mod tests {
    use super::super::allocation::tests::ladder;
    use super::*;

    fn targets_of(viewers: &[(usize, Option<u32>)]) -> Vec<u32> {
        let mut ladder = ladder();
        let viewers = viewers
            .iter()
            .map(|(place, ceiling)| (RenditionId::new(*place).expect("three"), *ceiling));
        targets(&mut ladder, viewers);
        ladder.iter().map(|rung| rung.target_bps).collect()
    }

    #[test]
    fn one_viewer_gets_what_it_can_take_within_limits() {
        assert_eq!(targets_of(&[(0, None)]), [1_500_000, 600_000, 200_000]);
        assert_eq!(targets_of(&[(0, Some(1_000_000))])[0], 920_000);
        assert_eq!(
            targets_of(&[(0, Some(300_000))])[0],
            750_000,
            "half at least"
        );
        assert_eq!(targets_of(&[(0, Some(9_000_000))])[0], 1_500_000);
        assert_eq!(targets_of(&[(2, Some(50_000))])[2], 100_000);
    }

    #[test]
    fn the_slowest_alone_does_not_decide() {
        let slow_among = |all: usize| {
            let mut viewers = vec![(0, None); all - 1];
            viewers.push((0, Some(800_000)));
            targets_of(&viewers)[0]
        };
        assert_eq!(slow_among(2), 1_500_000);
        assert_eq!(slow_among(50), 1_500_000);
        let half: Vec<(usize, Option<u32>)> = (0..50)
            .map(|index| (0, (index % 2 == 0).then_some(1_200_000)))
            .collect();
        assert_eq!(targets_of(&half)[0], 1_104_000);
    }
}
