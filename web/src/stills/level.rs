//! The sizes and qualities in which a picture is sent as JPEG, from the best to what a very slow connection takes.

/// How a picture is encoded.
#[derive(Debug)]
struct Version {
    name: &'static str,
    /// `None`: as it was composed.
    height_most_px: Option<u32>,
    quality: u8,
    /// Its usual size, relative to the other ones.
    weight: u32,
}

/// A number, not `VERSIONS.len()`: with that in the type of a field, optimised builds end in a cycle (E0391, rustc 1.95).
const COUNT: usize = 5;

/// From best to smallest. The weights are those of 720p from a webcam.
const VERSIONS: [Version; COUNT] = [
    version("full", None, 82, 100),
    version("full_coarse", None, 60, 55),
    version("360p", Some(360), 70, 23),
    version("360p_coarse", Some(360), 45, 14),
    version("180p", Some(180), 50, 5),
];

const fn version(
    name: &'static str,
    height_most_px: Option<u32>,
    quality: u8,
    weight: u32,
) -> Version {
    Version {
        name,
        height_most_px,
        quality,
        weight,
    }
}

/// One of the versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PictureLevel(usize);

impl PictureLevel {
    pub(crate) const COUNT: usize = COUNT;
    pub(crate) const FULL: Self = Self(0);
    /// What a connection of unknown speed begins with: half the size of the picture.
    pub(crate) const FIRST: Self = Self(2);

    #[cfg(test)]
    pub(crate) fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }

    /// The next better one.
    pub(crate) fn better(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// Those with smaller pictures, the best first.
    pub(crate) fn smaller(self) -> impl DoubleEndedIterator<Item = Self> {
        (self.0 + 1..Self::COUNT).map(Self)
    }

    /// As in metrics.
    pub(crate) fn name(self) -> &'static str {
        VERSIONS[self.0].name
    }

    pub(super) fn height_most_px(self) -> Option<u32> {
        VERSIONS[self.0].height_most_px
    }

    pub(super) fn quality(self) -> u8 {
        VERSIONS[self.0].quality
    }

    /// The usual size in bytes, if a picture of level `of` has `bytes`.
    pub(crate) fn usual_bytes(self, of: Self, bytes: u32) -> u32 {
        let scaled = u64::from(bytes) * u64::from(VERSIONS[self.0].weight);
        u32::try_from(scaled / u64::from(VERSIONS[of.0].weight)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_smaller_than_the_one_before() {
        let bytes = PictureLevel::all().map(|one| one.usual_bytes(PictureLevel::FULL, 100_000));
        let bytes: Vec<u32> = bytes.collect();
        assert_eq!(bytes[0], 100_000);
        assert!(bytes.is_sorted_by(|a, b| a > b), "{bytes:?}");
        let smallest = PictureLevel::all().next_back().expect("there are some");
        assert_eq!(smallest.smaller().next(), None);
        assert_eq!(PictureLevel::FULL.better(), None);
    }
}
