//! From a picture as its file stores it to the upright one: annotations of some tools are of the former.

use image::metadata::Orientation;

use super::Still;

impl Still {
    /// Width and height as stored, before the turn that EXIF asks for.
    #[must_use]
    pub fn stored_size_px(&self) -> (u32, u32) {
        match self.orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => (self.width, self.height),
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (self.height, self.width),
        }
    }

    /// Where `[left, top, width, height]` of the stored picture is in the upright one.
    #[must_use]
    pub fn upright(&self, [left, top, width, height]: [f64; 4]) -> [f64; 4] {
        let (stored_width, stored_height) = self.stored_size_px();
        let right = f64::from(stored_width) - left - width;
        let bottom = f64::from(stored_height) - top - height;
        match self.orientation {
            Orientation::NoTransforms => [left, top, width, height],
            Orientation::FlipHorizontal => [right, top, width, height],
            Orientation::Rotate180 => [right, bottom, width, height],
            Orientation::FlipVertical => [left, bottom, width, height],
            Orientation::Rotate90FlipH => [top, left, height, width],
            Orientation::Rotate90 => [bottom, left, height, width],
            Orientation::Rotate270FlipH => [bottom, right, height, width],
            Orientation::Rotate270 => [top, right, height, width],
        }
    }
}
