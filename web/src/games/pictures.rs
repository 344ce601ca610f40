//! Pictures of the round that is open: the newest ones, and those that are worth keeping. In memory only; all are
//! forgotten when the round is over, and when pictures were taken back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use capture::Frame;
use play::Moment;

/// Covers the time that detection takes.
const RECENT_MAX: usize = 10;
const RECENT_EVERY: Duration = Duration::from_millis(90);
/// Of one round, each of some megabytes.
const KEPT_MAX: usize = 12;

#[derive(Debug, Default)]
pub(super) struct RoundPictures {
    /// The picture epoch of everything here.
    epoch: u64,
    round: Option<u64>,
    /// Oldest first.
    recent: VecDeque<Arc<Frame>>,
    /// By the number of the frame that the moment names.
    kept: Vec<(u64, Arc<Frame>)>,
}

impl RoundPictures {
    /// Forgets everything of another round, and what was taken back.
    pub(super) fn follow(&mut self, round: Option<u64>, epoch: u64) {
        if (self.round, self.epoch) != (round, epoch) {
            *self = Self {
                epoch,
                round,
                ..Self::default()
            };
        }
    }

    /// A picture as everybody may see it, without paint.
    pub(super) fn add(&mut self, frame: &Arc<Frame>) {
        let is_new = self.recent.back().is_none_or(|last| {
            let since = frame.captured_at.checked_duration_since(last.captured_at);
            let is_other = frame.source_number != last.source_number;
            is_other || since.is_some_and(|since| since >= RECENT_EVERY)
        });
        if !is_new {
            return;
        }
        self.recent.push_back(Arc::clone(frame));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// The picture that is nearest to the moment.
    pub(super) fn nearest(&self, moment: &Moment) -> Option<Arc<Frame>> {
        let of_source = self
            .recent
            .iter()
            .filter(|frame| frame.source_number == moment.source_number);
        let nearest = of_source.min_by_key(|frame| frame.seq.abs_diff(moment.frame_seq));
        nearest.map(Arc::clone)
    }

    pub(super) fn keep(&mut self, moment: &Moment) {
        let Some(frame) = self.nearest(moment) else {
            return;
        };
        self.kept.push((moment.frame_seq, frame));
        if self.kept.len() > KEPT_MAX {
            self.kept.remove(0);
        }
    }

    /// What was kept of a moment.
    pub(super) fn kept(&self, moment: &Moment) -> Option<Arc<Frame>> {
        let mut kept = self.kept.iter();
        let found = kept.find(|(frame_seq, _)| *frame_seq == moment.frame_seq);
        found.map(|(_, frame)| Arc::clone(frame))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use capture::PicturePool;
    use play::{GameText, OwnText};

    use super::*;

    struct Pictures {
        pool: PicturePool,
        start: Instant,
        pictures: RoundPictures,
    }

    impl Pictures {
        fn new() -> Self {
            let mut pictures = RoundPictures::default();
            pictures.follow(Some(1), 5);
            Self {
                pool: PicturePool::new(4),
                start: Instant::now(),
                pictures,
            }
        }

        /// At 30 frames a second.
        fn add(&mut self, seq: u64) {
            let pixels = self.pool.take(64, 36).expect("even");
            let at = self.start + Duration::from_millis(seq * 33);
            self.pictures.add(&Arc::new(Frame::new(pixels, seq, at)));
        }
    }

    fn moment(frame_seq: u64, source_number: u64) -> Moment {
        Moment {
            frame_seq,
            source_number,
            track_id: None,
            region: None,
            caption: GameText::Own(OwnText::ForAll("a cup".to_owned())),
        }
    }

    #[test]
    fn the_last_second_is_there_and_the_nearest_picture_is_taken() {
        let mut pictures = Pictures::new();
        (0..60).for_each(|seq| pictures.add(seq));
        assert_eq!(pictures.pictures.recent.len(), RECENT_MAX);
        let seq = |wanted| {
            pictures
                .pictures
                .nearest(&moment(wanted, 0))
                .map(|one| one.seq)
        };
        assert!(seq(50).is_some_and(|seq| seq.abs_diff(50) <= 2));
        assert_eq!(seq(59), seq(1000));
        assert_eq!(
            pictures.pictures.nearest(&moment(50, 1)).map(|one| one.seq),
            None
        );
    }

    #[test]
    fn kept_moments_are_bounded_and_are_forgotten_with_the_round_or_the_epoch() {
        for (round, epoch) in [(Some(2), 5), (None, 5), (Some(1), 6)] {
            let mut pictures = Pictures::new();
            for seq in 0..40 {
                pictures.add(seq * 3);
                pictures.pictures.keep(&moment(seq * 3, 0));
            }
            let kept = |pictures: &Pictures, seq| pictures.pictures.kept(&moment(seq, 0));
            assert_eq!(pictures.pictures.kept.len(), KEPT_MAX);
            assert!(kept(&pictures, 117).is_some() && kept(&pictures, 0).is_none());
            pictures.pictures.follow(Some(1), 5);
            assert!(kept(&pictures, 117).is_some());
            pictures.pictures.follow(round, epoch);
            assert!(kept(&pictures, 117).is_none());
            assert!(pictures.pictures.recent.is_empty());
        }
    }
}
