//! Combines the estimators into the congestion control of one viewer.

mod reports;
mod resends;

use std::time::{Duration, Instant};

use rtc::interceptor::Acknowledgement;

use super::allocation::{self, RenditionChoice, Rung};
use super::backlog::{Backlog, SendRoom};
use super::bandwidth_estimate::{BandwidthEstimate, PathState, QUEUE_LONG};
use super::first_flight::FirstFlight;
use super::media_share::MediaShare;
use super::monitoring::Monitoring;
use super::packet_train::PacketTrains;
use super::path_estimator::PathEstimator;
use super::playout::Playout;
use super::probe::{ProbeOutcome, Prober};
use super::reported_path::ReportedPath;
use super::sent_log::{SentLog, lost_media};
use super::shortfall::Shortfall;
use super::too_large::TooLarge;
use crate::encode::encoder::RenditionId;
use crate::metrics::RenditionChange;

/// Used until the first receiver report.
const ROUND_TRIP_DEFAULT: Duration = Duration::from_millis(100);
/// Minimum time between two moves up, so that the effect of each can be measured.
const CLIMB_INTERVAL: Duration = Duration::from_secs(1);
/// If the estimate falls below this share of the sent rate, sending stops until the keyframe of the new
/// rendition, because every further packet of the old one would lengthen the queue.
const ABANDON_SHARE: f32 = 0.6;
/// Interval of [`Control::tick`] while the viewer is monitored closely.
const TICK: Duration = Duration::from_millis(200);
/// Reports that waited in the socket while this process was suspended arrive within this time.
const STALE_REPORT_TIME: Duration = Duration::from_secs(1);
/// What a packet has on the wire beside its RTP payload: IP, UDP and RTP headers, the transport-wide number, and the
/// tag of SRTP. The estimate counts them.
const OVERHEAD_BYTES: u32 = 64;
/// A capacity above this limits no rendition and is not worth following.
const CAPACITY_MOST_BPS: u32 = 8_000_000;
/// Frames that arrive faster than the estimate by this factor justify a probe at once.
const BURST_SHARE: f32 = 1.4;
/// Otherwise a probe waits this long for them: on a slow path each probe delays pictures.
const PROBE_WITHOUT_BURST: Duration = Duration::from_secs(30);
/// What an encoder gets of the estimate until a long queue has drained.
const DRAIN_SHARE: f32 = 0.5;
/// Loss beyond this is congestion, not the radio's.
const LOSS_MOST: f32 = 0.2;
/// Feedback on the first flight is looked for again after this time.
const FIRST_FLIGHT_WAIT: Duration = Duration::from_millis(5);
/// A probe waits until the path has had no queue for this long.
const PROBE_AFTER_CLEAR: Duration = Duration::from_millis(600);

/// The rendition decision for one viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Stay,
    /// Switch at the next keyframe of this rendition; send the current one until then.
    Move(RenditionId, RenditionChange),
    /// Switch at the next keyframe of this rendition; send nothing until then.
    Abandon(RenditionId, RenditionChange),
}

#[derive(Debug)]
pub(crate) struct Control {
    log: SentLog,
    path: PathEstimator,
    trains: PacketTrains,
    backlog: Backlog,
    first_flight: FirstFlight,
    /// Share of packets lost lately.
    loss: f32,
    probed_at: Instant,
    estimate: BandwidthEstimate,
    prober: Prober,
    /// For a receiver that sends no transport-wide feedback.
    reported: Option<ReportedPath>,
    monitoring: Monitoring,
    playout: Playout,
    media_share: MediaShare,
    /// Sequence numbers of media that the last feedback reported as lost.
    lost_media: Vec<u16>,
    round_trip: Duration,
    choice: RenditionChoice,
    /// What last lowered, and what last raised, the rendition that this viewer can get.
    lowered_by: RenditionChange,
    raised_by: RenditionChange,
    moved_at: Instant,
    clear_since: Option<Instant>,
    shortfall: Shortfall,
    /// The rendition whose frames came too late.
    too_large: TooLarge,
    next_tick: Instant,
    resumed_at: Option<Instant>,
}

impl Control {
    pub(crate) fn new(now: Instant, choice: RenditionChoice) -> Self {
        Self {
            log: SentLog::default(),
            path: PathEstimator::new(now),
            trains: PacketTrains::default(),
            backlog: Backlog::new(now),
            first_flight: FirstFlight::default(),
            loss: 0.0,
            probed_at: now,
            estimate: BandwidthEstimate::default(),
            prober: Prober::new(now),
            reported: None,
            monitoring: Monitoring::new(now),
            playout: Playout::default(),
            media_share: MediaShare::new(now),
            lost_media: Vec::new(),
            round_trip: ROUND_TRIP_DEFAULT,
            choice,
            // Without an estimate nothing lowers the rendition.
            lowered_by: RenditionChange::QueueingDelay,
            raised_by: RenditionChange::NewPath,
            moved_at: now,
            clear_since: None,
            shortfall: Shortfall::default(),
            too_large: TooLarge::default(),
            next_tick: now + TICK,
            resumed_at: None,
        }
    }

    /// The round trip that connectivity checks measured before there was media.
    pub(crate) fn set_idle_round_trip(&mut self, round_trip: Duration) {
        self.path.set_idle_round_trip(round_trip);
    }

    /// See [`Self::set_idle_round_trip`].
    pub(crate) fn idle_round_trip(&self) -> Option<Duration> {
        self.path.idle_round_trip()
    }

    /// Starts with an estimate that others behind the same bottleneck made.
    pub(crate) fn start_limited(&mut self, now: Instant, bps: u32) {
        self.estimate.set_capacity(now, bps);
    }

    /// Whether the estimate was lowered because no feedback came, which tells nothing of the path's capacity.
    pub(crate) fn lacks_feedback(&self) -> bool {
        self.lowered_by == RenditionChange::NoFeedback
    }

    /// Whether it is known what the path carries, or that it shows no limit.
    pub(crate) fn is_path_known(&self, now: Instant) -> bool {
        let is_measured = self.reported.is_some() || self.estimate.bps().is_some();
        is_measured || !self.first_flight.is_open(now)
    }

    /// The bandwidth estimate in bits per second; `None` while the path shows no limit.
    pub(crate) fn estimate_bps(&self) -> Option<u32> {
        self.estimate.bps()
    }

    /// What of the estimate is left for the media of an encoder when lost packets are sent again, once or twice, and while
    /// a queue drains.
    pub(crate) fn media_bps(&self) -> Option<u32> {
        let copies = if self.is_lossy() { 2.0 } else { 1.0 };
        let kept = 1.0 / (1.0 + copies * self.loss.min(LOSS_MOST));
        let share = match self.estimate.is_draining() {
            true => kept * DRAIN_SHARE,
            false => kept * self.media_share.get(),
        };
        self.estimate.bps().map(|bps| (bps as f32 * share) as u32)
    }

    /// The oldest frame that has not left waits for `wait`. Returns `true` if [`Self::media_bps`] changes by it.
    pub(crate) fn set_media_wait(&mut self, now: Instant, wait: Duration) -> bool {
        self.estimate.bps().is_some() && self.media_share.update(now, wait)
    }

    /// Whether media may leave now. Without a known limit it may, after the first flight.
    pub(crate) fn room(&self, now: Instant) -> SendRoom {
        if self
            .first_flight
            .is_full(now, || self.log.unanswered_bytes())
        {
            return SendRoom::Full(now + FIRST_FLIGHT_WAIT);
        }
        let bps = self.estimate.bps();
        bps.map_or(SendRoom::Free, |bps| {
            self.backlog.room(now, self.pace_bps(bps))
        })
    }

    /// A probe sends media and padding at its own rate.
    fn pace_bps(&self, estimate_bps: u32) -> u32 {
        estimate_bps.max(self.prober.goal_bps().unwrap_or(0))
    }

    /// How long the viewer should buffer pictures before it shows them.
    pub(crate) fn playout_delay(&self) -> Duration {
        self.playout.delay()
    }

    /// The round trip time of the last receiver report.
    pub(crate) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    pub(crate) fn choice(&self) -> RenditionChoice {
        self.choice
    }

    pub(crate) fn set_choice(&mut self, choice: RenditionChoice) {
        self.choice = choice;
        (self.lowered_by, self.raised_by) = (RenditionChange::Chosen, RenditionChange::Chosen);
    }

    /// Other renditions are offered from now on.
    pub(crate) fn offer_changed(&mut self) {
        self.raised_by = RenditionChange::RenditionBack;
    }

    /// A frame of so many packets and bytes is queued.
    pub(crate) fn frame_queued(&mut self, packets: usize, bytes: usize) {
        let overhead = packets as u64 * u64::from(OVERHEAD_BYTES);
        self.first_flight.queued(bytes as u64 + overhead);
    }

    /// Records an outgoing packet and returns its transport-wide sequence number, if feedback is wanted. `media`: the sequence
    /// number of the media in it, unless it is padding.
    pub(crate) fn stamp(&mut self, now: Instant, bytes: usize, media: Option<u16>) -> Option<u16> {
        if !self.is_monitored(now) {
            return None;
        }
        let bytes = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .saturating_add(OVERHEAD_BYTES);
        if let Some(bps) = self.estimate.bps() {
            self.backlog.add(now, bytes, self.pace_bps(bps));
        }
        self.prober.sent(now, bytes);
        self.first_flight.sent(now);
        Some(self.log.note(now, bytes, media))
    }

    /// Starts close monitoring, because the receiver asked for a retransmission or a keyframe.
    pub(crate) fn start_monitoring(&mut self, now: Instant) {
        self.monitoring.start(now);
    }

    /// Call after this process was suspended. Missing and late feedback is then no sign of congestion, so
    /// the estimate stays and everything measured from packet times starts again.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.log.forget();
        self.path = PathEstimator::new(now);
        self.trains.forget();
        self.backlog = Backlog::new(now);
        self.estimate.reset_queue();
        self.prober.hold(now);
        self.clear_since = None;
        self.resumed_at = Some(now);
        // The network may have changed meanwhile.
        self.monitoring.start(now);
    }

    /// Whether reports that are read now may have waited while this process was suspended.
    pub(crate) fn has_just_resumed(&self, now: Instant) -> bool {
        let lately = |at| now.saturating_duration_since(at) < STALE_REPORT_TIME;
        self.resumed_at.is_some_and(lately)
    }

    /// Frames of a rendition waited too long for the path: its frames are larger than its rate suggests.
    pub(crate) fn frames_dropped(&mut self, now: Instant, rendition: RenditionId) {
        if self.estimate.bps().is_some() {
            self.too_large.note(now, rendition);
        }
    }

    /// Handles a receiver report.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, round_trip: Option<Duration>) {
        self.monitoring.report(now, loss, round_trip);
        self.round_trip = round_trip.unwrap_or(self.round_trip);
    }

    /// Handles transport-wide feedback. Returns `true` if the bandwidth estimate changed.
    pub(crate) fn feedback(&mut self, now: Instant, acknowledgements: &[Acknowledgement]) -> bool {
        let before = (self.estimate.bps(), self.media_bps());
        let results = self.log.match_feedback(acknowledgements);
        self.lost_media = lost_media(&results);
        let Some(sample) = self.path.add(now, &results) else {
            return false;
        };
        self.loss = sample.loss;
        let capacity_bps = self.trains.add(&results);
        let measured = (sample.loss, sample.packets);
        let is_limited = self.estimate.bps().is_some();
        self.playout
            .update(now, measured, self.round_trip, is_limited);
        if let Some(outcome) = self.prober.update(now, &results, sample.queue) {
            self.apply(outcome);
        }
        let mut state = self.estimate.update(now, &sample, self.round_trip);
        if self.estimate.take_foreign_queue() {
            self.path.forget_baseline();
        }
        let tight = |bps: &u32| *bps <= CAPACITY_MOST_BPS && self.estimate.bps().is_none();
        if let Some(capacity_bps) = capacity_bps.filter(tight) {
            state = self.estimate.set_capacity(now, capacity_bps);
        }
        let is_limited = self.estimate.bps().is_some();
        self.first_flight.answered(sample.newest.0, is_limited);
        if let Some(bps) = self.estimate.bps() {
            let last_sent = self.log.newest_sent_at().unwrap_or(now);
            let after = (last_sent, self.log.unanswered_bytes());
            self.backlog.measure(now, sample.newest, after, bps);
        }
        match state {
            PathState::Clear => {
                self.clear_since.get_or_insert(now);
            }
            PathState::Queued => self.clear_since = None,
            PathState::Lowered => {
                self.clear_since = None;
                self.monitoring.start(now);
                self.prober.hold(now);
                let queued = sample.queue >= QUEUE_LONG || sample.loss < LOSS_MOST;
                self.lowered_by = match queued {
                    true => RenditionChange::QueueingDelay,
                    false => RenditionChange::Loss,
                };
            }
        }
        self.has_changed_since(before)
    }

    /// Handles the passing of time. Returns `true` if the bandwidth estimate changed.
    pub(crate) fn tick(&mut self, now: Instant, ladder: &[Rung], current: RenditionId) -> bool {
        let before = (self.estimate.bps(), self.media_bps());
        self.next_tick = now + TICK;
        if let Some(outcome) = self.prober.tick(now, self.round_trip) {
            self.apply(outcome);
        }
        if let Some(since) = self.log.unanswered_since() {
            let sent_bps = allocation::target_of(ladder, current);
            let state = self
                .estimate
                .on_silence(now, since, sent_bps, self.round_trip);
            if state == PathState::Lowered {
                self.lowered_by = RenditionChange::NoFeedback;
            }
        }
        if let Some(bps) = self.estimate.bps() {
            if allocation::carries_all(ladder, bps) {
                self.estimate.remove_limit();
            } else if self.may_probe(now)
                && let burst_bps = self.trains.burst_bps(now)
                && self.probe_promises(now, bps, burst_bps)
                && let Some(goal) = allocation::probe_goal(ladder, current, bps, burst_bps)
            {
                self.probed_at = now;
                self.prober.begin(now, goal);
            }
        }
        self.has_changed_since(before)
    }

    /// Whether the estimate, or by more than a fortieth what encoders get of it, is another than before; notes that it rose.
    fn has_changed_since(&mut self, (before, media_before): (Option<u32>, Option<u32>)) -> bool {
        let after = self.estimate.bps();
        if before.is_some_and(|before| after.is_none_or(|after| after > before)) {
            self.raised_by = RenditionChange::ProbeSucceeded;
        }
        let media = self.media_bps().zip(media_before);
        after != before || media.is_some_and(|(after, before)| after.abs_diff(before) > before / 40)
    }

    /// Number of padding packets to send now.
    pub(crate) fn padding(&mut self, now: Instant) -> usize {
        self.prober.padding_due(now)
    }

    /// When [`Self::tick`] and [`Self::padding`] are due next; `None` while nothing is monitored.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let tick = self.is_monitored(now).then_some(self.next_tick);
        tick.into_iter()
            .chain(self.prober.due(self.round_trip))
            .min()
    }

    fn is_monitored(&self, now: Instant) -> bool {
        // A viewer with a playout delay must be monitored, or the delay would never be removed.
        let held = self.playout.delay() > Duration::ZERO;
        self.monitoring.is_active(now) || self.estimate.bps().is_some() || held
    }

    /// Decides which rendition the viewer gets now.
    pub(crate) fn decide(
        &mut self,
        now: Instant,
        ladder: &[Rung],
        current: RenditionId,
    ) -> Decision {
        let is_offered = |id| ladder.iter().any(|rung| rung.id == id);
        let auto = match self.choice {
            RenditionChoice::Fixed(wanted) if wanted == current && is_offered(wanted) => {
                return Decision::Stay;
            }
            RenditionChoice::Fixed(wanted) if is_offered(wanted) => {
                return Decision::Move(wanted, RenditionChange::Chosen);
            }
            RenditionChoice::Fixed(_) | RenditionChoice::Auto => self.estimate.bps(),
        };
        if !is_offered(current) {
            let fit = allocation::fitting(ladder, auto.unwrap_or(u32::MAX));
            return fit.map_or(Decision::Stay, |fit| {
                Decision::Move(fit, RenditionChange::RenditionGone)
            });
        }
        let is_auto = self.choice == RenditionChoice::Auto;
        if is_auto && let Some(smaller) = self.too_large.instead_of(now, ladder, current) {
            self.moved_at = now;
            return Decision::Abandon(smaller, RenditionChange::QueueingDelay);
        }
        let sent_bps = allocation::target_of(ladder, current);
        if let Some(bps) = self.shortfall.due(now, auto, sent_bps) {
            return match allocation::fitting(ladder, bps).filter(|fit| *fit != current) {
                Some(fit) => {
                    self.moved_at = now;
                    let abandon = (bps as f32) < sent_bps as f32 * ABANDON_SHARE;
                    if abandon {
                        Decision::Abandon(fit, self.lowered_by)
                    } else {
                        Decision::Move(fit, self.lowered_by)
                    }
                }
                None => Decision::Stay,
            };
        }
        let rested = now.saturating_duration_since(self.moved_at) >= CLIMB_INTERVAL;
        match allocation::upgrade(self.too_large.below(now, ladder), current, auto)
            .filter(|_| rested && !self.prober.is_running())
        {
            Some(larger) => {
                self.moved_at = now;
                Decision::Move(larger, self.raised_by)
            }
            None => Decision::Stay,
        }
    }

    /// Whether a probe is likely to succeed, or the last one was long ago. Frames of a single packet tell nothing.
    fn probe_promises(&self, now: Instant, bps: u32, burst_bps: Option<u32>) -> bool {
        let wanted_bps = (bps as f32 * BURST_SHARE) as u32;
        burst_bps.is_none_or(|burst_bps| burst_bps >= wanted_bps)
            || now.saturating_duration_since(self.probed_at) >= PROBE_WITHOUT_BURST
    }

    fn apply(&mut self, outcome: ProbeOutcome) {
        if let ProbeOutcome::Carries(bps) = outcome {
            self.estimate.raise(bps);
        }
    }

    fn may_probe(&self, now: Instant) -> bool {
        let is_long_ago = |since| now.saturating_duration_since(since) >= PROBE_AFTER_CLEAR;
        let clear = self.clear_since.is_some_and(is_long_ago);
        let can_probe = self.reported.is_none() && self.prober.is_ready(now);
        self.choice == RenditionChoice::Auto && clear && can_probe
    }
}
