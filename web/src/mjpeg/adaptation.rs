//! Decides when a connection gets its next picture, and in which version. Pure: time is an argument.
//!
//! The next picture waits until the one before it has left this machine, and until at most one is on the way: an old
//! picture never waits here, and the queue of a slow network stays short. What a picture's bytes took on the
//! connection, without the round trip, tells what another version would take.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::http::send_progress::SentBytes;
use crate::stills::PictureLevel;

/// A picture that takes longer than this leads to a smaller version.
const SLOW: Duration = Duration::from_millis(200);
/// The time that a picture of a smaller version may take.
const TAKES_MOST: Duration = Duration::from_millis(150);
/// A better version is tried if it would take at most this.
const BETTER_TAKES_MOST: Duration = Duration::from_millis(100);
/// Pictures on the way at a time.
const ON_THE_WAY_MOST: usize = 2;
/// How long pictures must have been fast enough before a better version is tried. A better version that turns out too
/// slow doubles it.
const RAISE_AFTER: Duration = Duration::from_secs(3);
const RAISE_AFTER_MOST: Duration = Duration::from_secs(60);
/// A better version that is given up within this time was too slow from the start.
const RAISE_FAILED_WITHIN: Duration = Duration::from_secs(5);
/// How long the size of a version's last picture tells that of its next one.
const SIZE_LASTS: Duration = Duration::from_secs(30);

/// A picture that has not arrived completely.
#[derive(Debug)]
struct OnTheWay {
    level: PictureLevel,
    bytes: u32,
    sent_at: Instant,
    /// Its end in what HTTP hands over.
    ends_offered: u64,
    /// Its end in what the kernel takes, once all of it is there.
    ends_accepted: Option<u64>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Adaptation {
    level: PictureLevel,
    on_the_way: VecDeque<OnTheWay>,
    newest: Option<SentBytes>,
    /// When the last picture had arrived.
    arrived_at: Option<Instant>,
    /// When each version's last picture was sent, and its size.
    sizes: [Option<(Instant, u32)>; PictureLevel::COUNT],
    /// Until a picture was slow, each fast one raises the level.
    starting: bool,
    fast_since: Option<Instant>,
    raised_at: Option<Instant>,
    raise_after: Duration,
}

impl Adaptation {
    pub(super) fn new() -> Self {
        Self {
            level: PictureLevel::FIRST,
            on_the_way: VecDeque::new(),
            newest: None,
            arrived_at: None,
            sizes: [None; PictureLevel::COUNT],
            starting: true,
            fast_since: None,
            raised_at: None,
            raise_after: RAISE_AFTER,
        }
    }

    /// The version of the next picture.
    pub(super) fn level(&self) -> PictureLevel {
        self.level
    }

    /// A picture is handed over, after `offered` bytes before it.
    pub(super) fn sent(&mut self, now: Instant, level: PictureLevel, bytes: u32, offered: u64) {
        self.sizes[level.index()] = Some((now, bytes));
        self.on_the_way.push_back(OnTheWay {
            level,
            bytes,
            sent_at: now,
            ends_offered: offered + u64::from(bytes),
            ends_accepted: None,
        });
    }

    /// What the connection has done so far.
    pub(super) fn observe(&mut self, now: Instant, progress: SentBytes) {
        self.newest = Some(progress);
        for picture in &mut self.on_the_way {
            // Everything handed over is in the kernel, so that the picture ends here at the latest.
            if picture.ends_accepted.is_none() && progress.flushed >= picture.ends_offered {
                picture.ends_accepted = Some(progress.accepted);
            }
        }
        while let Some(first) = self.on_the_way.front()
            && first
                .ends_accepted
                .is_some_and(|end| end <= progress.acknowledged)
            && let Some(arrived) = self.on_the_way.pop_front()
        {
            // The round trip passes only for a picture that found the connection idle.
            let idle_from = arrived.sent_at + progress.round_trip_min;
            let began = self.arrived_at.map_or(idle_from, |at| at.max(idle_from));
            self.arrived_at = Some(now);
            self.judge(now, &arrived, now.saturating_duration_since(began));
        }
    }

    /// Whether the next picture may be taken.
    pub(super) fn is_ready(&self) -> bool {
        let has_left = |picture: &OnTheWay| picture.ends_accepted.is_some();
        let nothing_waits =
            self.on_the_way.iter().all(has_left) && self.newest.is_none_or(|now| now.unsent == 0);
        nothing_waits && self.on_the_way.len() < ON_THE_WAY_MOST
    }

    /// Whether nothing is on the way.
    pub(super) fn is_idle(&self) -> bool {
        self.on_the_way.is_empty()
    }

    fn judge(&mut self, now: Instant, picture: &OnTheWay, took: Duration) {
        // One of a better version that was sent before the level was lowered.
        if picture.level < self.level {
            return;
        }
        if took > SLOW {
            self.lower(now, picture, took);
            return;
        }
        let better = self.level.better();
        let fast =
            better.filter(|better| self.takes(now, *better, picture, took) <= BETTER_TAKES_MOST);
        let Some(better) = fast else {
            self.fast_since = None;
            return;
        };
        let since = *self.fast_since.get_or_insert(now);
        if self.starting || now.saturating_duration_since(since) >= self.raise_after {
            self.level = better;
            self.raised_at = Some(now);
            self.fast_since = None;
        }
    }

    fn lower(&mut self, now: Instant, picture: &OnTheWay, took: Duration) {
        let failed =
            |at: Instant| now.saturating_duration_since(at) < RAISE_FAILED_WITHIN && !self.starting;
        self.raise_after = match self.raised_at.take() {
            Some(at) if failed(at) => (self.raise_after * 2).min(RAISE_AFTER_MOST),
            _ => RAISE_AFTER,
        };
        self.starting = false;
        self.fast_since = None;
        let mut smaller = self.level.smaller();
        let fits = smaller.find(|level| self.takes(now, *level, picture, took) <= TAKES_MOST);
        let smallest = self.level.smaller().next_back();
        self.level = fits.or(smallest).unwrap_or(self.level);
    }

    /// What a picture of `level` would take where `picture` took `took`.
    fn takes(
        &self,
        now: Instant,
        level: PictureLevel,
        picture: &OnTheWay,
        took: Duration,
    ) -> Duration {
        let is_fresh = |at: Instant| now.saturating_duration_since(at) < SIZE_LASTS;
        let known = self.sizes[level.index()].filter(|(at, _)| is_fresh(*at));
        let usual = level.usual_bytes(picture.level, picture.bytes);
        let bytes = known.map_or(usual, |(_, bytes)| bytes);
        took.mul_f64(f64::from(bytes) / f64::from(picture.bytes.max(1)))
    }
}
