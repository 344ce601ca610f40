//! Paints on the picture what was detected, and what there is to say.
//!
//! Straight on I420, at the cost of the pixels touched: the boxes are the face of the product and
//! are paid for on every frame.

mod boxes;
mod card;
mod chips;
#[cfg(test)]
mod gallery;
mod palette;
mod sizes;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Instant;

use capture::I420;
use capture::canvas::{Canvas, Rect};

pub use card::Card;
pub use palette::ACCENT;

use crate::text::Text;
use crate::tracks::Tracks;
use boxes::Marked;
use card::Corner;
use chips::Place;
use sizes::Sizes;

/// Colours kept from picture to picture; a model may number its classes as it likes.
const MOST_COLOURS: usize = 4096;

/// Paints. Remembers glyphs and where labels hung, so keep one per picture stream.
pub struct OverlayPainter {
    text: Text,
    places: HashMap<u64, Place>,
    /// By class: working one out costs as much as painting it.
    colours: HashMap<usize, palette::Rgb>,
}

impl OverlayPainter {
    /// With the embedded font.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: Text::new(),
            places: HashMap::new(),
            colours: HashMap::new(),
        }
    }

    /// Paints the boxes of `tracks` as they are at `at`, the capture time of `picture`. The upper
    /// `reserved_top_px` rows stay untouched.
    pub fn paint_tracks(
        &mut self,
        picture: &mut I420,
        tracks: &Tracks,
        at: Instant,
        reserved_top_px: u32,
    ) {
        let items = tracks.predicted_at(at);
        let (width, height) = (picture.width(), picture.height());
        let reserved = reserved_top_px.min(height) as i32;
        let whole = Rect::of_size(width, height);
        let bounds = Rect {
            y: reserved,
            height: whole.height - reserved,
            ..whole
        };
        // Detection may have looked at another size of the same picture.
        let x = width as f32 / tracks.frame_width.max(1) as f32;
        let y = height as f32 / tracks.frame_height.max(1) as f32;
        if self.colours.len() > MOST_COLOURS {
            self.colours.clear();
        }
        let mut colour_of = |class| {
            *self
                .colours
                .entry(class)
                .or_insert_with(|| palette::of_class(class))
        };
        let colours: Vec<_> = items
            .iter()
            .map(|track| colour_of(track.class_id))
            .collect();
        let names: Vec<_> = items
            .iter()
            .map(|track| tracks.label(track.class_id))
            .collect();
        let marked: Vec<Marked<'_>> = items
            .iter()
            .zip(&names)
            .zip(colours)
            .map(|((track, name), colour)| Marked {
                bbox: track.bbox.scaled(x, y),
                colour,
                name,
                score: track.score,
                id: track.id,
                before: self.places.get(&track.id).copied(),
            })
            .collect();
        let mut canvas = Canvas::new(picture).clipped(bounds);
        let sizes = Sizes::of(height);
        let places = boxes::paint(&mut canvas, &mut self.text, &marked, bounds, sizes);
        self.places.clear();
        self.places
            .extend(marked.iter().map(|one| one.id).zip(places));
    }

    /// Replaces the whole picture by words.
    pub fn paint_card(&mut self, picture: &mut I420, card: &Card<'_>) {
        card::paint_card(&mut Canvas::new(picture), &mut self.text, card);
    }

    /// A small line at the lower left: something the viewer should know.
    pub fn paint_note(&mut self, picture: &mut I420, note: &str) {
        let mut canvas = Canvas::new(picture);
        card::paint_pill(&mut canvas, &mut self.text, note, Corner::BottomLeft, true);
    }

    /// A clock at the lower right.
    pub fn paint_clock(&mut self, picture: &mut I420, clock: &str) {
        let mut canvas = Canvas::new(picture);
        card::paint_pill(
            &mut canvas,
            &mut self.text,
            clock,
            Corner::BottomRight,
            false,
        );
    }
}

impl Default for OverlayPainter {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for OverlayPainter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OverlayPainter({} labels)", self.places.len())
    }
}
