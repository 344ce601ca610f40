//! The most that a viewer's path carries, as far as is known.

use std::time::{Duration, Instant};

use super::path::Look;

/// A queue this long is not a frame waiting for itself any more (LiveKit: congestion at 50 ms of queue,
/// relieved at 20; ours leaves room for a keyframe passing).
const QUEUE_LONG: Duration = Duration::from_millis(100);
/// Nobody waits to be sure at this length.
const QUEUE_FAR_TOO_LONG: Duration = Duration::from_millis(300);
/// A long queue must stay for so long: a keyframe on a path that barely carries the stream makes one too.
const STAYS: Duration = Duration::from_millis(150);
/// A queue that shrinks by this much is being mended.
const SHRINKS: Duration = Duration::from_millis(10);
/// Loss that no retransmission makes good. Wi-Fi loses up to a tenth of the packets without any
/// congestion, and going down would not help against it.
const LOSS_HIGH: f32 = 0.2;
const LOSS_PACKETS_LEAST: u32 = 30;
/// Of what gets through, this share is used: the rest empties the queue.
const USED_SHARE: f32 = 0.9;
/// The time that a lower rate needs to show.
const SETTLES: Duration = Duration::from_millis(400);
/// Without any answer for so long the path is taken as cut to half, again and again.
const SILENT: Duration = Duration::from_secs(1);
/// Less than this is no video.
const LEAST_BPS: u32 = 60_000;

/// How the path stands after feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Clear,
    /// There is a queue, and it is known about.
    Queued,
    /// The ceiling came down just now.
    Lowered,
}

/// `None` as the ceiling: nothing speaks against any rate.
#[derive(Debug, Default)]
pub(crate) struct Ceiling {
    bps: Option<u32>,
    long_since: Option<Instant>,
    lowered_at: Option<Instant>,
    last_queue: Duration,
}

impl Ceiling {
    pub(crate) fn bps(&self) -> Option<u32> {
        self.bps
    }

    /// Takes a look at the path. `rtt`: a change shows no sooner.
    pub(crate) fn heed(&mut self, now: Instant, look: &Look, rtt: Duration) -> Standing {
        let shrinks = look.queue + SHRINKS < self.last_queue;
        self.last_queue = look.queue;
        let lossy = look.loss >= LOSS_HIGH && look.packets >= LOSS_PACKETS_LEAST;
        if look.queue < QUEUE_LONG && !lossy {
            self.long_since = None;
            if let (Some(bps), Some(delivered)) = (self.bps, look.delivered_bps) {
                self.bps = Some(bps.max(delivered));
            }
            return Standing::Clear;
        }
        let long_since = *self.long_since.get_or_insert(now);
        let sure =
            look.queue >= QUEUE_FAR_TOO_LONG || now.saturating_duration_since(long_since) >= STAYS;
        if !sure || shrinks || self.settles(now, rtt) {
            return Standing::Queued;
        }
        let Some(delivered) = look.delivered_bps else {
            return Standing::Queued;
        };
        self.lower(now, (delivered as f32 * USED_SHARE) as u32)
    }

    /// The receiver has not answered for packets since `unanswered_since`.
    pub(crate) fn silence(
        &mut self,
        now: Instant,
        unanswered_since: Instant,
        sent_bps: u32,
        rtt: Duration,
    ) -> Standing {
        let silent = now.saturating_duration_since(unanswered_since);
        if silent < SILENT + rtt || self.settles(now, SILENT) {
            return Standing::Queued;
        }
        self.lower(now, self.bps.unwrap_or(sent_bps) / 2)
    }

    /// A queue that was there before says nothing about now.
    pub(crate) fn forget_queue(&mut self) {
        (self.long_since, self.last_queue) = (None, Duration::ZERO);
    }

    /// More gets through for certain.
    pub(crate) fn raise(&mut self, bps: u32) {
        self.bps = self.bps.map(|known| known.max(bps));
    }

    /// Everything there is gets through.
    pub(crate) fn lift(&mut self) {
        self.bps = None;
    }

    fn lower(&mut self, now: Instant, bps: u32) -> Standing {
        let bps = bps.max(LEAST_BPS);
        self.lowered_at = Some(now);
        if self.bps.is_some_and(|known| known <= bps) {
            return Standing::Queued;
        }
        self.bps = Some(bps);
        Standing::Lowered
    }

    fn settles(&self, now: Instant, at_least: Duration) -> bool {
        self.lowered_at
            .is_some_and(|at| now.saturating_duration_since(at) < SETTLES + at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn look(queue_ms: u32, delivered_bps: u32) -> Look {
        Look {
            queue: queue_ms * MS,
            delivered_bps: Some(delivered_bps),
            loss: 0.0,
            packets: 100,
        }
    }

    #[test]
    fn a_queue_that_stays_lowers_the_ceiling_to_what_gets_through() {
        let (mut ceiling, start) = (Ceiling::default(), Instant::now());
        assert_eq!(
            ceiling.heed(start, &look(20, 1_500_000), MS),
            Standing::Clear
        );
        assert_eq!(
            ceiling.heed(start, &look(120, 1_000_000), MS),
            Standing::Queued
        );
        assert_eq!(ceiling.bps(), None, "it may pass");
        let later = start + 160 * MS;
        assert_eq!(
            ceiling.heed(later, &look(150, 1_000_000), MS),
            Standing::Lowered
        );
        assert_eq!(ceiling.bps(), Some(900_000));
        let soon = later + 200 * MS;
        assert_eq!(
            ceiling.heed(soon, &look(200, 500_000), MS),
            Standing::Queued,
            "it settles"
        );
        let draining = later + 600 * MS;
        assert_eq!(
            ceiling.heed(draining, &look(120, 700_000), MS),
            Standing::Queued,
            "it drains"
        );
        assert_eq!(ceiling.bps(), Some(900_000));
    }

    #[test]
    fn a_very_long_queue_is_believed_at_once() {
        let (mut ceiling, start) = (Ceiling::default(), Instant::now());
        assert_eq!(
            ceiling.heed(start, &look(400, 300_000), MS),
            Standing::Lowered
        );
        assert_eq!(ceiling.bps(), Some(270_000));
    }

    #[test]
    fn loss_alone_lowers_it_only_when_heavy() {
        let (mut ceiling, start) = (Ceiling::default(), Instant::now());
        let lossy = |loss| Look {
            loss,
            ..look(0, 1_000_000)
        };
        for step in 0..10 {
            let now = start + step * 100 * MS;
            assert_eq!(ceiling.heed(now, &lossy(0.12), MS), Standing::Clear);
        }
        let late = start + 2000 * MS;
        ceiling.heed(late, &lossy(0.35), MS);
        assert_eq!(
            ceiling.heed(late + 200 * MS, &lossy(0.35), MS),
            Standing::Lowered
        );
    }

    #[test]
    fn silence_halves_and_a_success_raises() {
        let (mut ceiling, start) = (Ceiling::default(), Instant::now());
        let asked =
            |ceiling: &mut Ceiling, ms: u32| ceiling.silence(start + ms * MS, start, 1_600_000, MS);
        assert_eq!(asked(&mut ceiling, 500), Standing::Queued);
        assert_eq!(asked(&mut ceiling, 1100), Standing::Lowered);
        assert_eq!(ceiling.bps(), Some(800_000));
        assert_eq!(asked(&mut ceiling, 1500), Standing::Queued);
        assert_eq!(asked(&mut ceiling, 2600), Standing::Lowered);
        assert_eq!(ceiling.bps(), Some(400_000));
        ceiling.raise(700_000);
        assert_eq!(ceiling.bps(), Some(700_000));
        ceiling.lift();
        assert_eq!(ceiling.bps(), None);
    }
}
