//! What a game shows, in words and numbers.

use std::time::{Duration, Instant};

/// The digits of a clock have the accent's colour from here on; a shorter clock has them in large.
pub(super) const URGENT: Duration = Duration::from_secs(5);

/// What is shown over the whole picture. Two equal ones look alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GameBanner {
    /// Above the large word.
    pub line: String,
    /// Its capitals are at least a sixth of the picture's height, if the width allows.
    pub big_word: Option<String>,
    pub clock: Option<BannerClock>,
    pub score: Option<u32>,
    pub flash: Option<BannerFlash>,
    /// The two halves of the picture, left first.
    pub sides: Option<[BannerSide; 2]>,
    /// Below the large word, the most important one first.
    pub rows: Vec<String>,
}

/// A clock that runs down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BannerClock {
    pub ends_at: Instant,
    /// Where it was full.
    pub total: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BannerFlash {
    pub kind: BannerFlashKind,
    pub since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BannerFlashKind {
    Good,
    Bad,
    Photo,
}

/// One half of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BannerSide {
    pub text: String,
    pub persons: u32,
    pub is_chosen: bool,
}

/// A mark on a track.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkedTrack {
    pub track_id: u64,
    /// Left, top, right and bottom in fractions of the picture, for when that track is not known.
    pub region: [f32; 4],
    pub role: MarkedAs,
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkedAs {
    Found,
    Playing,
    Out,
    Counted,
}
