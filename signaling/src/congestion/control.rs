//! The congestion control of one viewer: feedback and time in, a rendition and padding out.

use std::time::{Duration, Instant};

use rtc::interceptor::Acknowledgement;

use super::allocation::{self, Choice, Rung};
use super::ceiling::{Ceiling, Standing};
use super::path::Path;
use super::probe::{Outcome, Prober};
use super::sent_log::SentLog;
use super::watch::{Playout, Watch};
use crate::encode::encoder::RenditionId;

/// Until a report tells.
const ROUND_TRIP_UNKNOWN: Duration = Duration::from_millis(100);
/// After a climb the next one waits, so that each shows its effect.
const CLIMBS_APART: Duration = Duration::from_secs(1);
/// Under this share of what was sent the old stream is not finished until the new one's keyframe: it
/// would only make the queue longer.
const ABANDON_SHARE: f32 = 0.6;
/// How often time is let pass for a viewer that is watched closely.
const TICK: Duration = Duration::from_millis(200);
/// After a pause of our own, what waited in the socket is read within this.
const STALE_REPORTS: Duration = Duration::from_secs(1);
/// Probes wait for a queue-free path.
const CLEAR_FOR: Duration = Duration::from_millis(600);

/// What a viewer should get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Stay,
    /// This rendition from its next keyframe on; the present one until then.
    Move(RenditionId),
    /// The same, with nothing until then.
    Abandon(RenditionId),
}

#[derive(Debug)]
pub(crate) struct Control {
    log: SentLog,
    path: Path,
    ceiling: Ceiling,
    prober: Prober,
    watch: Watch,
    playout: Playout,
    round_trip: Duration,
    choice: Choice,
    moved_at: Instant,
    clear_since: Option<Instant>,
    next_tick: Instant,
    resumed_at: Option<Instant>,
}

impl Control {
    pub(crate) fn new(now: Instant, choice: Choice) -> Self {
        Self {
            log: SentLog::default(),
            path: Path::new(now),
            ceiling: Ceiling::default(),
            prober: Prober::new(now),
            watch: Watch::new(now),
            playout: Playout::default(),
            round_trip: ROUND_TRIP_UNKNOWN,
            choice,
            moved_at: now,
            clear_since: None,
            next_tick: now + TICK,
            resumed_at: None,
        }
    }

    /// The most that gets through, if that is known to be limited, in bits a second.
    pub(crate) fn ceiling_bps(&self) -> Option<u32> {
        self.ceiling.bps()
    }

    /// How long the viewer should hold pictures back.
    pub(crate) fn playout_delay(&self) -> Duration {
        self.playout.delay()
    }

    /// The round trip as last told.
    pub(crate) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    pub(crate) fn choice(&self) -> Choice {
        self.choice
    }

    pub(crate) fn choose(&mut self, choice: Choice) {
        self.choice = choice;
    }

    /// Numbers a packet that leaves now, if feedback about it is wanted.
    pub(crate) fn stamp(&mut self, now: Instant, bytes: usize) -> Option<u16> {
        if !self.is_close(now) {
            return None;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.prober.sent(now, bytes);
        Some(self.log.note(now, bytes))
    }

    /// Something is wrong at the receiver: it asks for packets or a keyframe.
    pub(crate) fn alarm(&mut self, now: Instant) {
        self.watch.alarm(now);
    }

    /// This process has not run for a while until now. That nothing was heard meanwhile, and that what was
    /// said then is only read now, is no congestion: what is known of the path is as it was before.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.log.forget();
        self.path = Path::new(now);
        self.ceiling.forget_queue();
        self.prober.hold(now);
        self.clear_since = None;
        self.resumed_at = Some(now);
        // The network may be another one by now.
        self.watch.alarm(now);
    }

    /// Whether reports that are read now may have waited for us.
    pub(crate) fn has_just_resumed(&self, now: Instant) -> bool {
        let lately = |at| now.saturating_duration_since(at) < STALE_REPORTS;
        self.resumed_at.is_some_and(lately)
    }

    /// Takes a receiver report.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, round_trip: Option<Duration>) {
        self.watch.report(now, loss, round_trip);
        self.round_trip = round_trip.unwrap_or(self.round_trip);
    }

    /// Takes feedback packet by packet. `true`: the ceiling has changed.
    pub(crate) fn feedback(&mut self, now: Instant, acknowledgements: &[Acknowledgement]) -> bool {
        let before = self.ceiling.bps();
        let fates = self.log.settle(acknowledgements);
        let Some(look) = self.path.take(now, &fates) else {
            return false;
        };
        self.playout
            .heed(now, look.loss, look.packets, self.round_trip);
        if let Some(outcome) = self.prober.heed(now, &fates, look.queue) {
            self.learn(outcome);
        }
        match self.ceiling.heed(now, &look, self.round_trip) {
            Standing::Clear => {
                self.clear_since.get_or_insert(now);
            }
            Standing::Queued => self.clear_since = None,
            Standing::Lowered => {
                self.clear_since = None;
                self.watch.alarm(now);
                self.prober.hold(now);
            }
        }
        self.ceiling.bps() != before
    }

    /// Lets time pass. `true`: the ceiling has changed.
    pub(crate) fn tick(&mut self, now: Instant, ladder: &[Rung], current: RenditionId) -> bool {
        let before = self.ceiling.bps();
        self.next_tick = now + TICK;
        if let Some(outcome) = self.prober.tick(now, self.round_trip) {
            self.learn(outcome);
        }
        if let Some(since) = self.log.unanswered_since() {
            let sent_bps = target_of(ladder, current);
            self.ceiling.silence(now, since, sent_bps, self.round_trip);
        }
        if let Some(bps) = self.ceiling.bps() {
            if allocation::carries_all(ladder, bps) {
                self.ceiling.lift();
            } else if self.may_probe(now)
                && let Some(goal) = allocation::probe_goal(ladder, current, bps)
            {
                self.prober.begin(now, goal);
            }
        }
        self.ceiling.bps() != before
    }

    /// Padding packets that are due now.
    pub(crate) fn padding(&mut self, now: Instant) -> usize {
        self.prober.owed(now)
    }

    /// When [`Self::tick`] and [`Self::padding`] are due; `None` while all is well.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let tick = self.is_close(now).then_some(self.next_tick);
        tick.into_iter()
            .chain(self.prober.due(self.round_trip))
            .min()
    }

    fn is_close(&self, now: Instant) -> bool {
        // A viewer that holds pictures back must be watched, or it would never be told to stop.
        let held = self.playout.delay() > Duration::ZERO;
        self.watch.is_close(now) || self.ceiling.bps().is_some() || held
    }

    /// The rendition for now.
    pub(crate) fn decide(
        &mut self,
        now: Instant,
        ladder: &[Rung],
        current: RenditionId,
    ) -> Decision {
        let auto = match self.choice {
            Choice::Fixed(wanted) if wanted != current => return Decision::Move(wanted),
            Choice::Fixed(_) => return Decision::Stay,
            Choice::Auto => self.ceiling.bps(),
        };
        let sent_bps = target_of(ladder, current);
        if let Some(bps) = auto.filter(|bps| *bps < sent_bps) {
            return match allocation::fitting(ladder, bps).filter(|fit| *fit != current) {
                Some(fit) => {
                    self.moved_at = now;
                    let abandon = (bps as f32) < sent_bps as f32 * ABANDON_SHARE;
                    if abandon {
                        Decision::Abandon(fit)
                    } else {
                        Decision::Move(fit)
                    }
                }
                None => Decision::Stay,
            };
        }
        let rested = now.saturating_duration_since(self.moved_at) >= CLIMBS_APART;
        match allocation::climb(ladder, current, auto)
            .filter(|_| rested && !self.prober.is_running())
        {
            Some(larger) => {
                self.moved_at = now;
                Decision::Move(larger)
            }
            None => Decision::Stay,
        }
    }

    fn learn(&mut self, outcome: Outcome) {
        if let Outcome::Carries(bps) = outcome {
            self.ceiling.raise(bps);
        }
    }

    fn may_probe(&self, now: Instant) -> bool {
        let clear = self
            .clear_since
            .is_some_and(|since| now.saturating_duration_since(since) >= CLEAR_FOR);
        self.choice == Choice::Auto && clear && self.prober.is_ready(now)
    }
}

fn target_of(ladder: &[Rung], id: RenditionId) -> u32 {
    let rung = ladder.iter().find(|rung| rung.id == id);
    rung.map_or(u32::MAX, |rung| rung.target_bps)
}
