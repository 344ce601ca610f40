//! The renditions of senders, and the bitrates that the encoders aim at for them. Pure but for [`Demand`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::congestion::{RenditionChoice, Rung, ladder, targets};
use crate::encode::demand::Demand;
use crate::encode::encoder::{Rendition, RenditionId};

/// How often the encoders' bitrates follow the estimates and the owner's settings.
const UPDATE_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) struct EncoderTargets {
    demand: Arc<Demand>,
    /// Largest first.
    renditions: Vec<Rendition>,
    /// Those that are offered.
    ladder: Vec<Rung>,
}

impl EncoderTargets {
    /// `renditions`: largest first.
    pub(crate) fn new(demand: Arc<Demand>, renditions: Vec<Rendition>) -> Self {
        Self {
            demand,
            ladder: ladder(&renditions),
            renditions,
        }
    }

    pub(crate) fn renditions(&self) -> &[Rendition] {
        &self.renditions
    }

    pub(crate) fn ladder(&self) -> &[Rung] {
        &self.ladder
    }

    pub(crate) fn ladder_mut(&mut self) -> &mut [Rung] {
        &mut self.ladder
    }

    /// For the log.
    pub(crate) fn name(&self, id: RenditionId) -> String {
        let rendition = self.renditions.iter().find(|one| one.id == id);
        rendition.map_or_else(|| format!("rendition {}", id.index()), Rendition::name)
    }

    /// The largest rendition that the viewer allows: stepping down later is quicker than stepping up.
    pub(crate) fn first_rendition(&self, choice: RenditionChoice) -> RenditionId {
        match choice {
            RenditionChoice::Fixed(rendition) if !self.demand.is_withheld(rendition) => rendition,
            RenditionChoice::Fixed(_) | RenditionChoice::Auto => {
                let mut all = self.renditions.iter();
                let offered = all.find(|one| !self.demand.is_withheld(one.id));
                offered.map_or(RenditionId::MAIN, |one| one.id)
            }
        }
    }

    /// Takes over which renditions are offered. Returns whether they are others than before.
    pub(crate) fn follow_offer(&mut self) -> bool {
        let is_offered = |one: &&Rendition| !self.demand.is_withheld(one.id);
        let offered: Vec<Rendition> = self.renditions.iter().filter(is_offered).copied().collect();
        let same = self.ladder.iter().map(|rung| rung.id);
        if offered.iter().map(|one| one.id).eq(same) {
            return false;
        }
        self.ladder = ladder(&offered);
        true
    }

    /// Sets the targets from the owner's settings and each viewer's rendition and estimate. Returns when to do so again.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        viewers: impl Iterator<Item = (RenditionId, Option<u32>)>,
    ) -> Instant {
        for rung in &mut self.ladder {
            let own = self.renditions.iter().find(|one| one.id == rung.id);
            let nominal = self.demand.nominal_bitrate(rung.id);
            rung.nominal_bps = nominal
                .or(own.map(|own| own.bitrate_bps))
                .unwrap_or(rung.nominal_bps);
        }
        targets(&mut self.ladder, viewers);
        now + UPDATE_INTERVAL
    }

    /// Tells the encoders.
    pub(crate) fn publish(&self) {
        for rung in &self.ladder {
            let held_back = rung.target_bps < rung.nominal_bps;
            let target_bps = if held_back { rung.target_bps } else { 0 };
            self.demand.set_target_bitrate(rung.id, target_bps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::encoder::default_renditions;

    fn published(demand: &Demand) -> Vec<Option<u32>> {
        let all = default_renditions();
        all.iter()
            .map(|one| demand.target_bitrate(one.id))
            .collect()
    }

    #[test]
    fn encoders_are_told_what_their_viewers_can_take_and_nothing_where_that_is_enough() {
        let (demand, now) = (Demand::new(), Instant::now());
        let mut targets = EncoderTargets::new(Arc::clone(&demand), default_renditions());
        let next = targets.update(now, [(RenditionId::MAIN, Some(1_000_000))].into_iter());
        targets.publish();
        assert_eq!(next, now + UPDATE_INTERVAL);
        assert_eq!(published(&demand), [Some(920_000), None, None]);

        demand.set_nominal_bitrate(RenditionId::MAIN, 800_000);
        targets.update(now, [(RenditionId::MAIN, Some(1_000_000))].into_iter());
        targets.publish();
        assert_eq!(published(&demand)[0], Some(800_000), "the owner's setting");
    }

    #[test]
    fn a_rendition_that_is_withheld_is_not_offered() {
        let demand = Demand::new();
        let mut targets = EncoderTargets::new(Arc::clone(&demand), default_renditions());
        let smaller = targets.ladder()[1].id;
        assert!(!targets.follow_offer());
        let first = |targets: &EncoderTargets, choice| targets.first_rendition(choice);
        assert_eq!(first(&targets, RenditionChoice::Auto), RenditionId::MAIN);
        demand.set_withheld(RenditionId::MAIN, true);
        assert!(targets.follow_offer() && targets.ladder().len() == 2);
        assert_eq!(first(&targets, RenditionChoice::Auto), smaller);
        let fixed = RenditionChoice::Fixed(RenditionId::MAIN);
        assert_eq!(first(&targets, fixed), smaller);
        assert_eq!(
            targets.name(RenditionId::MAIN),
            "720p",
            "it has a name all the same"
        );
    }
}
