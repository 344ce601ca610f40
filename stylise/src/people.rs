//! Where people are in a picture, as far as somebody who has a detector can tell.

/// A rectangle, in fractions of the picture's width and height from its left upper corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureArea {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// The people in a picture; empty when nobody looked for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct People {
    /// From the forehead to the chin.
    pub faces: Vec<PictureArea>,
    pub persons: Vec<PictureArea>,
}

/// Finds the people in a JPEG. Called on the thread that makes the style, at its low priority; it may take
/// some tenths of a second.
pub type FindPeople = Box<dyn Fn(&[u8]) -> People + Send + Sync>;
