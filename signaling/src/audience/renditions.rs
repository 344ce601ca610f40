//! Which rendition each viewer gets, and what each rendition's encoder aims at.

use std::time::{Duration, Instant};

use super::Audience;
use crate::congestion::{Choice, Decision, Rung, targets};
use crate::demux::ViewerKey;
use crate::engine_metrics::{DropCause, count};
use crate::rendition::Rendition;
use crate::session::Refused;
use crate::viewer::{Phase, Viewer};

/// How often the encoders' bitrates follow the viewers, and the owner's wishes.
const RETARGET_EVERY: Duration = Duration::from_millis(500);

/// The ladder before anything is known of any viewer.
pub(super) fn ladder(renditions: &[Rendition]) -> Vec<Rung> {
    renditions
        .iter()
        .map(|rendition| Rung {
            id: rendition.id,
            nominal_bps: rendition.bitrate_bps,
            target_bps: rendition.bitrate_bps,
        })
        .collect()
}

impl Audience {
    /// Takes a viewer's own choice.
    pub(crate) fn choose(&mut self, now: Instant, id: &str, choice: Choice) -> Result<(), Refused> {
        let key = self.key_of(id)?;
        let viewer = self.viewers.get_mut(&key).ok_or(Refused::Unknown)?;
        viewer.control.choose(choice);
        self.reconsider(now, key);
        self.ask_for_keyframes(now);
        Ok(())
    }

    /// Lets time pass for one viewer's stream: what waits to leave, reports, padding, pleas.
    pub(super) fn let_go(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let stream = &self.streams[viewer.rendition.index()];
        if viewer.pli.tick(now) {
            self.ledger.want_keyframe(viewer.rendition);
        }
        viewer.report(now, &self.clock, &stream.ring);
        if viewer.phase != Phase::Live {
            return;
        }
        // overflow: drops-to-keyframe, counted. Everybody pays for a keyframe, so it is asked for as a
        // plea of this viewer would be.
        let dropped = viewer.queue.drop_late(now);
        if dropped > 0 {
            count(&self.metrics.drops, DropCause::Late, dropped);
            viewer.phase = Phase::Awaiting;
            viewer.freeze.began(now);
            if viewer.pleads(now) {
                self.ledger.want_keyframe(viewer.rendition);
            }
            return;
        }
        viewer.write_queued(now);
        let padding = viewer.control.padding(now);
        if padding > 0 {
            self.metrics.padding.inc_by(padding as u64);
            viewer.write_padding(now, padding, &stream.ring);
        }
        if viewer.control.due(now).is_some_and(|due| due <= now) {
            let changed = viewer.control.tick(now, &self.ladder, viewer.rendition);
            self.heed_ceiling(now, key, changed);
        }
    }

    /// After a viewer's ceiling may have changed: the encoders' aims, then its rendition.
    pub(super) fn heed_ceiling(&mut self, now: Instant, key: ViewerKey, changed: bool) {
        if changed {
            self.retarget(now);
        }
        self.reconsider(now, key);
    }

    pub(super) fn retarget_when_due(&mut self, now: Instant) {
        if self.retarget_at.is_some_and(|at| at <= now) {
            self.retarget(now);
        }
    }

    /// Sets what the encoders aim at from what their viewers can take.
    fn retarget(&mut self, now: Instant) {
        for (rung, rendition) in self.ladder.iter_mut().zip(&self.renditions) {
            let nominal = self.demand.nominal_bitrate(rendition.id);
            rung.nominal_bps = nominal.unwrap_or(rendition.bitrate_bps);
        }
        let watching = self.viewers.values().filter(|viewer| viewer.watches(now));
        let own = watching.map(|viewer| (viewer.rendition, viewer.control.ceiling_bps()));
        let known = self.ledger.ceilings(self.shard, own.collect());
        // A stream that is sent on has an audience of its own, of which nothing is known here.
        let sent_on = self.renditions.iter().flat_map(|rendition| {
            let leases = self.demand.stream_leases(rendition.id) as usize;
            std::iter::repeat_n((rendition.id, None), leases)
        });
        targets(&mut self.ladder, known.into_iter().chain(sent_on));
        for rung in &self.ladder {
            let held_back = rung.target_bps < rung.nominal_bps;
            let target_bps = if held_back { rung.target_bps } else { 0 };
            self.demand.set_target_bitrate(rung.id, target_bps);
        }
        self.retarget_at = (!self.viewers.is_empty()).then(|| now + RETARGET_EVERY);
    }

    fn reconsider(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let aim = viewer.next.unwrap_or(viewer.rendition);
        let to = match viewer.control.decide(now, &self.ladder, aim) {
            Decision::Stay => return,
            Decision::Move(to) => to,
            Decision::Abandon(to) => {
                viewer.give_up_picture(now);
                to
            }
        };
        viewer.next = (to != viewer.rendition).then_some(to);
        self.metrics.switches.inc();
        let abandoned = viewer.phase == Phase::Awaiting;
        if viewer.next.is_some() || abandoned {
            self.ledger.want_keyframe(to);
        }
        self.count_watchers(now);
    }
}

impl Viewer {
    /// The next rendition's keyframe is here. `true`: it is another rendition than before.
    pub(super) fn arrive(&mut self) -> bool {
        let Some(next) = self.next.take() else {
            return false;
        };
        // overflow: drops-to-keyframe, uncounted: what waits is of the old rendition, and the keyframe
        // stands for it.
        self.queue.clear();
        std::mem::replace(&mut self.rendition, next) != next
    }

    /// Nothing more of the present picture: the path is far too slow for it.
    fn give_up_picture(&mut self, now: Instant) {
        // overflow: drops-to-keyframe, uncounted: the next rendition's keyframe is on its way.
        self.queue.clear();
        if self.phase == Phase::Live {
            self.phase = Phase::Awaiting;
            self.freeze.began(now);
        }
    }
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
