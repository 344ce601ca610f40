//! What is encoded: one H.264 stream per rendition, shared by all who watch it.

/// Names a rendition; also its index in per-rendition tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionId(u8);

impl RenditionId {
    /// How many renditions there can be; per-rendition tables are this long.
    pub const LIMIT: usize = 8;
    /// The rendition everybody starts with.
    pub const MAIN: Self = Self(0);

    /// The rendition number `index`, `None` at [`Self::LIMIT`] and above.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index)
            .ok()
            .filter(|_| index < Self::LIMIT)
            .map(Self)
    }

    /// The place in per-rendition tables, less than [`Self::LIMIT`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Size, rate and bitrate of one encoded stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendition {
    /// Its name.
    pub id: RenditionId,
    /// The box pictures are fitted into, never enlarged: width in pixels.
    pub width: u32,
    /// The box pictures are fitted into, never enlarged: height in pixels.
    pub height: u32,
    /// What the rate control aims at.
    pub bitrate_bps: u32,
    /// The most frames a second the rate control plans for.
    pub fps: u32,
}

impl Rendition {
    /// 1280x720 at 1.5 Mbit/s: what a phone on a crowded 2.4 GHz network still takes.
    pub const MAIN: Self = Self {
        id: RenditionId::MAIN,
        width: 1280,
        height: 720,
        bitrate_bps: 1_500_000,
        fps: 30,
    };

    /// What viewers call it: its height, as `720p`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}p", self.height)
    }
}

/// The renditions of a default set-up, largest first: a good network, a poor one, and one that
/// carries hardly more than speech.
#[must_use]
pub fn default_renditions() -> Vec<Rendition> {
    let smaller = |index, width, height, bitrate_bps, fps| Rendition {
        id: RenditionId(index),
        width,
        height,
        bitrate_bps,
        fps,
    };
    vec![
        Rendition::MAIN,
        smaller(1, 640, 360, 600_000, 30),
        smaller(2, 320, 180, 200_000, 15),
    ]
}
