//! Silhouettes: the outline of a person that is drawn from the box alone.

use capture::I420;
use capture::canvas::Ink;

use super::pixels::{Span, fill_spans};
use crate::detection::BBox;

pub(super) const GROUND: Ink = Ink::rgb(30, 32, 37);
const BODY: Ink = Ink::rgb(78, 84, 96);
const OUTLINE: Ink = Ink::rgb(196, 202, 214);

/// The height of the head as a share of the body's, and at most this share of the width.
const HEAD_OF_HEIGHT: f32 = 0.24;
const HEAD_OF_WIDTH: f32 = 0.62;

/// Draws a head and a body into a box.
pub(super) fn draw(picture: &mut I420, bbox: &BBox) {
    let line_px = (picture.height() as f32 / 240.0).max(2.0);
    let (size, shape) = ((picture.width(), picture.height()), Shape::of(bbox));
    fill_spans(picture, shape.spans(0.0, size), OUTLINE);
    fill_spans(picture, shape.spans(line_px, size), BODY);
}

/// An ellipse for the head above an ellipse-topped body.
#[derive(Clone, Copy)]
struct Shape {
    cx: f32,
    top: f32,
    bottom: f32,
    half_width: f32,
    /// Half axis of the head.
    head: f32,
    /// Height of the rounding of the shoulders.
    shoulder: f32,
}

impl Shape {
    fn of(bbox: &BBox) -> Self {
        let head = (bbox.height() * HEAD_OF_HEIGHT).min(bbox.width() * HEAD_OF_WIDTH) / 2.0;
        Self {
            cx: bbox.centre().0,
            top: bbox.y1,
            bottom: bbox.y2,
            half_width: bbox.width() / 2.0,
            head,
            shoulder: (bbox.width() / 2.0).min(bbox.height() * 0.3),
        }
    }

    /// Half of the width at the height `y`, of the shape made smaller by `inset`; not positive outside.
    fn half_width_at(self, y: f32, inset: f32) -> f32 {
        let ellipse = |from_centre: f32, rx: f32, ry: f32| {
            let height = from_centre / ry.max(0.1);
            rx * (1.0 - height * height).max(0.0).sqrt()
        };
        let head_centre = self.top + self.head;
        let head = ellipse(y - head_centre, self.head * 0.85 - inset, self.head - inset);
        // The body starts a little inside the head, so that both are one shape.
        let body_top = self.top + self.head * 1.8;
        let below = y - body_top - inset;
        let body = if below < 0.0 || y > self.bottom - inset {
            0.0
        } else {
            let rounding = (self.shoulder - below).max(0.0);
            ellipse(rounding, self.half_width - inset, self.shoulder)
        };
        head.max(body)
    }

    fn spans(self, inset: f32, (width, height): (u32, u32)) -> impl Iterator<Item = Span> {
        let first = self.top.max(0.0) as u32;
        let last = (self.bottom.max(0.0).ceil() as u32).min(height);
        (first..last).filter_map(move |row| {
            let half = self.half_width_at(row as f32 + 0.5, inset);
            let start = (self.cx - half).max(0.0) as u32;
            let end = ((self.cx + half).max(0.0) as u32).min(width);
            (half > 0.0 && start < end).then_some(Span { row, start, end })
        })
    }
}
