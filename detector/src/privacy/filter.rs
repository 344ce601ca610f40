//! The filter: decides for each picture what is hidden, and hides it.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::canvas::Rect;
use capture::{I420, Mounting, SourceNumber};

use super::cover::Cover;
use super::motion::Motion;
use super::pixels::{Blur, Grain, MASK_INK, Span, even, fill_spans, polygon_spans};
use super::settings::{PrivacyMode, PrivacySettings};
use super::sighting::{Sighting, Sightings};
use super::silhouette;

/// A picture is shown only with a sighting of a frame that was captured at most this long before or
/// after it.
const NEAREST: Duration = Duration::from_millis(250);
/// Cells across the whole picture, when all of it is blurred.
const WHOLE_CELLS: u32 = 8;
/// Cells across a person. With 12, face detectors still find the face of somebody close to the camera.
const CELLS: u32 = 6;
/// Cells across a head or a face. With 6, face detectors still find one in ten, with 3 one in a hundred.
const FACE_CELLS: u32 = 2;
/// The smallest cells at a picture's height of 720, in pixels.
const LEAST_CELL: f32 = 24.0;
/// The least cell for what moved: an area may be a part of a large face.
const LEAST_MOTION_CELL: f32 = 90.0;
/// Persons are drawn as silhouettes from this score on.
const DRAWN_SCORE: f32 = 0.3;
/// Two areas are joined when the rectangle around both is at most this many times what they cover.
const JOINED: f32 = 1.15;
/// Areas that together are larger than this many pictures cost more than the whole picture.
const MOST_PICTURES: f32 = 1.5;

/// What was hidden in a picture, masks apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden<'a> {
    Nothing,
    Whole,
    /// These areas; they may reach beyond the picture.
    Areas(&'a [Rect]),
}

/// Hides in each picture what the settings ask for. One stream of pictures needs one filter of its own.
pub struct PrivacyFilter {
    sightings: Sightings,
    /// The generation of the settings in use.
    generation: u64,
    settings: Arc<PrivacySettings>,
    /// The source of the pictures.
    source_number: SourceNumber,
    sighting: Option<Arc<Sighting>>,
    /// Of the pictures.
    mounting: Mounting,
    /// The capture time of a sighted frame that has not become the reference for motion yet.
    reference_at: Option<Instant>,
    cover: Cover,
    /// Whether the cover follows everything that was sighted.
    is_complete: bool,
    motion: Motion,
    blur: Blur,
    masks: MaskSpans,
    explained: Vec<Rect>,
    moved: Vec<Rect>,
    areas: Vec<Area>,
    hidden: Vec<Rect>,
    is_whole: bool,
}

#[derive(Debug, Clone, Copy)]
struct Area {
    rect: Rect,
    grain: Grain,
}

/// The masks for one size of picture.
#[derive(Debug, Default)]
struct MaskSpans {
    /// The size and the generation of the settings for which they were computed.
    of: Option<((u32, u32), u64)>,
    spans: Vec<Span>,
}

impl PrivacyFilter {
    #[must_use]
    pub fn new(sightings: Sightings) -> Self {
        Self {
            sightings,
            generation: 0,
            settings: Arc::default(),
            source_number: 0,
            sighting: None,
            mounting: Mounting::default(),
            reference_at: None,
            cover: Cover::default(),
            is_complete: true,
            motion: Motion::default(),
            blur: Blur::default(),
            masks: MaskSpans::default(),
            explained: Vec::new(),
            moved: Vec::new(),
            areas: Vec::new(),
            hidden: Vec::new(),
            is_whole: false,
        }
    }

    /// Whether anything is to be hidden.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        let settings = self.sightings.control.settings();
        settings.mode.needs_detections() || !settings.masks.is_empty()
    }

    /// To be called before the pictures of another source: what was known of the former one explains nothing in them.
    pub fn follow_source(&mut self, source_number: SourceNumber) {
        if source_number != self.source_number {
            self.source_number = source_number;
            self.forget();
        }
    }

    /// To be called before pictures with another mounting.
    pub fn follow_mounting(&mut self, mounting: Mounting) {
        if mounting != self.mounting {
            self.mounting = mounting;
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.sighting = None;
        self.reference_at = None;
        self.cover.forget();
        self.motion.forget();
    }

    /// Hides what must not be seen in `picture`, which was captured at `captured_at`.
    pub fn apply(&mut self, picture: &mut I420, captured_at: Instant) {
        let control = &self.sightings.control;
        if control.generation() != self.generation {
            self.generation = control.generation();
            self.settings = control.settings();
        }
        self.masks.prepare(picture, &self.settings, self.generation);
        // First, so that no blurred area contains colours of what a mask hides.
        self.masks.fill(picture);
        self.hidden.clear();
        self.is_whole = false;
        let mode = self.settings.mode;
        if !mode.needs_detections() {
            if self.sighting.is_some() || self.reference_at.is_some() {
                self.forget();
            }
            return;
        }
        self.motion.observe(picture, captured_at);
        self.take_sighting();
        self.refer(captured_at);
        let is_known = self.is_known(picture, captured_at) && self.find(picture, captured_at);
        self.is_whole = !is_known || mode == PrivacyMode::Silhouettes;
        self.sightings.control.count(!is_known);
        if mode == PrivacyMode::Silhouettes {
            let ground = silhouette::GROUND;
            picture.fill(ground.y, ground.u, ground.v);
            if is_known {
                for bbox in self.cover.persons(captured_at, DRAWN_SCORE) {
                    silhouette::draw(picture, &bbox);
                }
            }
        } else if !is_known {
            let grain = Grain {
                cells: WHOLE_CELLS,
                least_px: 0,
            };
            let whole = Rect::of_size(picture.width(), picture.height());
            self.blur.blur(picture, whole, grain);
        } else {
            for Area { rect, grain } in &self.areas {
                self.blur.blur(picture, *rect, *grain);
                self.hidden.push(even(*rect, picture));
            }
        }
        self.masks.fill(picture);
    }

    /// What was hidden in the last picture.
    #[must_use]
    pub fn hidden(&self) -> Hidden<'_> {
        if self.is_whole {
            Hidden::Whole
        } else if self.hidden.is_empty() {
            Hidden::Nothing
        } else {
            Hidden::Areas(&self.hidden)
        }
    }

    fn take_sighting(&mut self) {
        let newest = self.sightings.slot.latest();
        let of_these_pictures = |newest: &Arc<Sighting>| {
            (newest.source_number, newest.mounting) == (self.source_number, self.mounting)
        };
        let Some(newest) = newest.filter(of_these_pictures) else {
            return;
        };
        let is_same = |old: &Arc<Sighting>| Arc::ptr_eq(old, &newest);
        if self.sighting.as_ref().is_some_and(is_same) {
            return;
        }
        let size = |sighting: &Sighting| (sighting.frame_width, sighting.frame_height);
        if self.sighting.as_deref().map(size) != Some(size(&newest)) {
            self.cover.forget();
        }
        self.is_complete = self.cover.update(&newest);
        self.reference_at = Some(newest.captured_at);
        self.sighting = Some(newest);
    }

    /// Compares with the sighted frame from now on, unless it is later than this picture: what left in
    /// between would not have moved then.
    fn refer(&mut self, captured_at: Instant) {
        if let Some(at) = self.reference_at.filter(|at| *at <= captured_at) {
            self.motion.refer_to(at);
            self.reference_at = None;
        }
    }

    /// Whether there is a sighting from which it can be told what this picture shows.
    fn is_known(&self, picture: &I420, captured_at: Instant) -> bool {
        let Some(sighting) = &self.sighting else {
            return false;
        };
        let later = captured_at.saturating_duration_since(sighting.captured_at);
        let earlier = sighting.captured_at.saturating_duration_since(captured_at);
        let size = (sighting.frame_width, sighting.frame_height);
        let finds = match self.settings.mode {
            PrivacyMode::BlurFaces => sighting.finds_faces || sighting.finds_persons,
            _ => sighting.finds_persons,
        };
        let is_near = later.max(earlier) <= NEAREST;
        is_near && finds && self.is_complete && size == (picture.width(), picture.height())
    }

    /// Finds the areas to hide. `false`: they are too many.
    fn find(&mut self, picture: &I420, captured_at: Instant) -> bool {
        self.areas.clear();
        if self.settings.mode == PrivacyMode::Silhouettes {
            return true;
        }
        if !self.motion.has_reference() {
            return false;
        }
        self.explained.clear();
        match self.settings.mode {
            PrivacyMode::BlurFaces => self.cover.certain(captured_at, &mut self.explained),
            _ => self.cover.people(captured_at, &mut self.explained),
        }
        let moved = self.motion.unexplained(&self.explained, &mut self.moved);
        if moved.is_none() {
            return false;
        }
        let scale = picture.height() as f32 / 720.0;
        let grain = |cells: u32, least: f32| Grain {
            cells,
            least_px: (least * scale).ceil() as u32,
        };
        let with = |grain: Grain| move |rect: &Rect| Area { rect: *rect, grain };
        if self.settings.mode == PrivacyMode::BlurFaces {
            self.explained.clear();
            self.cover.faces(captured_at, &mut self.explained);
            let faces = self
                .explained
                .iter()
                .map(with(grain(FACE_CELLS, LEAST_CELL)));
            self.areas.extend(faces);
        } else {
            let people = self.explained.iter().map(with(grain(CELLS, LEAST_CELL)));
            self.areas.extend(people);
        }
        let moved = self.moved.iter().map(with(grain(CELLS, LEAST_MOTION_CELL)));
        self.areas.extend(moved);
        for area in &mut self.areas {
            area.rect = even(area.rect, picture);
        }
        self.areas.retain(|area| !area.rect.is_empty());
        join(&mut self.areas);
        let total: f32 = self.areas.iter().map(|area| size_of(area.rect)).sum();
        total <= MOST_PICTURES * picture.width() as f32 * picture.height() as f32
    }
}

impl std::fmt::Debug for PrivacyFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PrivacyFilter({}, {:?})",
            self.settings.mode,
            self.hidden()
        )
    }
}

impl MaskSpans {
    fn prepare(&mut self, picture: &I420, settings: &PrivacySettings, generation: u64) {
        let size = (picture.width(), picture.height());
        if self.of == Some((size, generation)) {
            return;
        }
        self.of = Some((size, generation));
        self.spans.clear();
        for mask in &settings.masks {
            polygon_spans(&mask.points, size, &mut self.spans);
        }
    }

    fn fill(&self, picture: &mut I420) {
        fill_spans(picture, self.spans.iter().copied(), MASK_INK);
    }
}

fn size_of(rect: Rect) -> f32 {
    rect.width.max(0) as f32 * rect.height.max(0) as f32
}

/// Joins areas that largely overlap, so that their pixels are blurred once. The coarser grain holds for
/// both.
fn join(areas: &mut Vec<Area>) {
    let mut at = 0;
    while at < areas.len() {
        let joined = (at + 1..areas.len()).find_map(|other| {
            let (a, b) = (areas[at].rect, areas[other].rect);
            let shared = size_of(a.intersection(b));
            let (x, y) = (a.x.min(b.x), a.y.min(b.y));
            let (right, bottom) = (a.right().max(b.right()), a.bottom().max(b.bottom()));
            let around = Rect::new(x, y, right - x, bottom - y);
            let covered = size_of(a) + size_of(b) - shared;
            let is_near = shared > 0.0 && size_of(around) <= JOINED * covered;
            is_near.then_some((other, around))
        });
        match joined {
            Some((other, rect)) => {
                let (a, b) = (areas[at].grain, areas[other].grain);
                let grain = Grain {
                    cells: a.cells.min(b.cells),
                    least_px: a.least_px.max(b.least_px),
                };
                areas[at] = Area { rect, grain };
                areas.swap_remove(other);
                at = 0;
            }
            None => at += 1,
        }
    }
}
