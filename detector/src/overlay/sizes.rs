//! How thick and how large, by the height of the picture.

/// All in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// The bright line of a box.
    pub(crate) line: i32,
    /// The dark line on either side of it.
    pub(crate) halo: i32,
    /// Corners of boxes and chips.
    pub(crate) radius: i32,
    /// Em height of labels and notes.
    pub(crate) text: u32,
    /// Space around a label: left and right.
    pub(crate) pad_x: i32,
    /// Space around a label: above and below.
    pub(crate) pad_y: i32,
}

impl Sizes {
    /// Grows more slowly than the picture: painted at 720 rows and scaled to 360, or seen on a
    /// phone, text must still be read; at 1080 it must not cover what it names.
    pub(crate) fn of(height_px: u32) -> Self {
        let height = height_px as f32;
        let at_least = |least: f32, px: f32| px.round().max(least) as i32;
        let text = (6.0 + height / 45.0).round().max(9.0);
        Self {
            line: at_least(1.0, height / 240.0 + 0.6),
            halo: at_least(1.0, height / 600.0),
            radius: at_least(2.0, height / 110.0),
            text: text as u32,
            pad_x: at_least(3.0, text * 0.42),
            pad_y: at_least(2.0, text * 0.26),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_legible_at_every_rendition() {
        assert_eq!(Sizes::of(180).text, 10);
        assert_eq!(Sizes::of(360).text, 14);
        assert_eq!(Sizes::of(720).text, 22);
        assert_eq!(Sizes::of(1080).text, 30);
    }

    #[test]
    fn lines_grow_with_the_picture_and_never_vanish() {
        let lines = [2, 180, 360, 720, 1080, 2160].map(|height| Sizes::of(height).line);
        assert!(lines.is_sorted(), "{lines:?}");
        assert_eq!((lines[0], lines[2], lines[3]), (1, 2, 4));
        assert!(Sizes::of(8192).line < 40);
    }
}
