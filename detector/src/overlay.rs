//! The overlay painter: boxes with labels, what a game shows, and the card that replaces the picture.
//!
//! In: a picture and its tracks. Out: the same picture, painted. It draws directly on I420, so that a
//! frame costs no more than the pixels touched.

mod boxes;
mod camera_name;
mod card;
mod class_names;
mod game;
mod label_position;
mod style;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use capture::I420;
use capture::canvas::{Canvas, Rect, Text};
use serde::{Deserialize, Serialize};

use crate::camera_motion::{CameraMotion, Shift};
use crate::tracks::{Track, Tracks};
use crate::zones::Zone;
use boxes::Marked;
use label_position::LabelPosition;
use style::Sizes;

pub use card::Card;
pub use class_names::ClassNames;
pub use game::{
    BannerClock, BannerFlash, BannerFlashKind, BannerSide, GameBanner, MarkedAs, MarkedTrack,
};
pub use style::{ACCENT, of_class as class_colour};

/// The most colours kept from picture to picture. A bound, because classes may have any numbers.
const MOST_COLOURS: usize = 4096;

/// What the label of a box says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelContent {
    /// There is no label.
    None,
    Name,
    NameScore,
    #[default]
    NameScoreId,
}

impl LabelContent {
    pub const ALL: [Self; 4] = [Self::None, Self::Name, Self::NameScore, Self::NameScoreId];
}

/// Paints overlays. It caches glyphs and remembers the positions of labels, so each stream of pictures
/// needs one of its own.
///
/// ```
/// use capture::I420;
/// use detector::{Card, OverlayPainter};
///
/// let mut picture = I420::black(640, 360).unwrap();
/// let card = Card { title: "No signal", detail: "Waiting for the camera.", clock: "12:30:08" };
/// OverlayPainter::new().paint_card(&mut picture, &card);
/// assert!(picture.planes().y.iter().any(|luma| *luma > 200), "light text on a dark ground");
/// ```
pub struct OverlayPainter {
    text: Text,
    labels: LabelContent,
    class_names: ClassNames,
    places: HashMap<u64, LabelPosition>,
    /// By class. Cached, because computing a colour takes as long as painting with it.
    colours: HashMap<usize, style::Rgb>,
    /// Of the game that was painted last.
    banner: Option<game::LaidOutBanner>,
    camera: CameraMotion,
}

impl OverlayPainter {
    /// A painter with the embedded font.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: Text::new(),
            labels: LabelContent::default(),
            class_names: ClassNames::default(),
            places: HashMap::new(),
            colours: HashMap::new(),
            banner: None,
            camera: CameraMotion::default(),
        }
    }

    /// The same painter, whose labels have these names.
    #[must_use]
    pub fn with_class_names(self, class_names: ClassNames) -> Self {
        Self {
            class_names,
            ..self
        }
    }

    /// What labels say from the next picture on.
    pub fn set_labels(&mut self, labels: LabelContent) {
        self.labels = labels;
    }

    /// Paints the boxes of `tracks`, predicted to `at`, the capture time of `picture`. The upper
    /// `reserved_top_px` rows are not changed.
    pub fn paint_tracks(
        &mut self,
        picture: &mut I420,
        tracks: &Tracks,
        at: Instant,
        reserved_top_px: u32,
    ) {
        let items = self.predicted(picture, tracks, at);
        let (width, height) = (picture.width(), picture.height());
        let reserved = reserved_top_px.min(height) as i32;
        let whole = Rect::of_size(width, height);
        let bounds = whole.rows(reserved, whole.height - reserved);
        // The tracks may refer to another size of the same picture.
        let x = width as f32 / tracks.frame_width.max(1) as f32;
        let y = height as f32 / tracks.frame_height.max(1) as f32;
        if self.colours.len() > MOST_COLOURS {
            self.colours.clear();
        }
        let has_score = matches!(
            self.labels,
            LabelContent::NameScore | LabelContent::NameScoreId
        );
        let has_id = self.labels == LabelContent::NameScoreId;
        let marked = items.iter().map(|track| Marked {
            bbox: track.bbox.scaled(x, y),
            colour: *self
                .colours
                .entry(track.class_id)
                .or_insert_with(|| style::of_class(track.class_id)),
            name: self.class_names.of(tracks.label(track.class_id)),
            score: has_score.then_some(track.score),
            id: has_id.then_some(track.id),
            before: self.places.get(&track.id).copied(),
        });
        let marked: Vec<Marked<'_>> = marked.collect();
        let mut canvas = Canvas::new(picture).clipped(bounds);
        let sizes = Sizes::of(height);
        let places = boxes::paint(
            &mut canvas,
            &mut self.text,
            &marked,
            self.labels != LabelContent::None,
            bounds,
            sizes,
        );
        self.places.clear();
        self.places
            .extend(items.iter().map(|track| track.id).zip(places));
    }

    /// The tracks as the camera sees them in `picture`, on which nothing is painted yet.
    fn predicted(&mut self, picture: &I420, tracks: &Tracks, at: Instant) -> Vec<Track> {
        if tracks.items.is_empty() {
            return Vec::new();
        }
        self.camera.observe(picture, at);
        let view = self.camera.since(tracks.captured_at);
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let view = view.map(|moved| Shift {
            x: moved.x * tracks.frame_width as f32 / width,
            y: moved.y * tracks.frame_height as f32 / height,
        });
        tracks.predicted_in_view(at, view)
    }

    /// Paints marks instead of boxes, where `tracks` are predicted to be at `at`, the capture time of `picture`. The upper
    /// `reserved_top_px` rows are not changed.
    pub fn paint_marks(
        &mut self,
        picture: &mut I420,
        marks: &[MarkedTrack],
        tracks: Option<&Tracks>,
        at: Instant,
        reserved_top_px: u32,
    ) {
        let (width, height) = (picture.width(), picture.height());
        let reserved = reserved_top_px.min(height) as i32;
        let whole = Rect::of_size(width, height);
        let bounds = whole.rows(reserved, whole.height - reserved);
        let known = tracks.map(|tracks| (tracks, self.predicted(picture, tracks, at)));
        let placed = marks.iter().map(|mark| {
            let bbox = game::place_of(mark, known.as_ref(), (width as f32, height as f32));
            (mark, bbox, self.places.get(&mark.track_id).copied())
        });
        let (named, nameless): (Vec<_>, Vec<_>) =
            placed.partition(|(mark, ..)| mark.text.is_some());
        let mut canvas = Canvas::new(picture).clipped(bounds);
        game::paint_marks(&mut canvas, &mut self.text, &nameless, bounds);
        let places = game::paint_marks(&mut canvas, &mut self.text, &named, bounds);
        self.places.clear();
        let ids = named.iter().map(|(mark, ..)| mark.track_id);
        self.places.extend(ids.zip(places));
    }

    /// Paints a banner as it is at `at`, the capture time of `picture`. The upper `reserved_top_px` rows are not changed.
    pub fn paint_game(
        &mut self,
        picture: &mut I420,
        banner: &Arc<GameBanner>,
        at: Instant,
        reserved_top_px: u32,
    ) {
        let when_and_where = (at, reserved_top_px);
        game::paint_banner(
            picture,
            &mut self.text,
            &mut self.banner,
            banner,
            when_and_where,
        );
    }

    /// Paints the name of the camera that took `picture`.
    pub fn paint_camera_name(&mut self, picture: &mut I420, name: &str) {
        let sizes = Sizes::of(picture.height());
        camera_name::paint(&mut Canvas::new(picture), &mut self.text, name, sizes);
    }

    /// Paints outlines and names of zones.
    pub fn paint_zones<'a>(&mut self, picture: &mut I420, zones: impl Iterator<Item = &'a Zone>) {
        let sizes = Sizes::of(picture.height());
        zones::paint(&mut Canvas::new(picture), &mut self.text, zones, sizes);
    }

    /// Replaces the whole picture by a card.
    pub fn paint_card(&mut self, picture: &mut I420, card: &Card<'_>) {
        card::paint_card(&mut Canvas::new(picture), &mut self.text, card);
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
