//! Anti-aliased shapes: polygons, ellipses, lines and rectangles with round corners.

use super::coverage::{CoverRow, OPAQUE, weight_of};
use super::{Canvas, Ink, Rect};

type Point = (f32, f32);

impl Canvas<'_> {
    /// Fills a closed polygon by the non-zero winding rule. Draws nothing when a coordinate is not finite
    /// or there are fewer than three points.
    pub fn fill_polygon(&mut self, points: &[Point], ink: Ink) {
        let Some(area) = self.area_of(points) else {
            return;
        };
        let mut crossings: Vec<(f64, i32)> = Vec::with_capacity(8);
        self.coverage
            .draw_spans(self.picture, area, ink, OPAQUE, |y, row| {
                crossings.clear();
                let ends = points.iter().zip(points.iter().cycle().skip(1));
                crossings.extend(ends.filter_map(|(&from, &to)| crossing(from, to, y)));
                crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
                add_winding(&crossings, row);
            });
    }

    /// Fills an ellipse with the half axes `rx` and `ry`.
    pub fn fill_ellipse(&mut self, cx: f32, cy: f32, rx: f32, ry: f32, ink: Ink) {
        let positive = rx > 0.0 && ry > 0.0;
        let Some(area) = self.area_of(&[(cx - rx, cy - ry), (cx + rx, cy + ry), (cx, cy)]) else {
            return;
        };
        if !positive {
            return;
        }
        let (cx, cy, rx, ry) = (f64::from(cx), f64::from(cy), f64::from(rx), f64::from(ry));
        self.coverage
            .draw_spans(self.picture, area, ink, OPAQUE, |y, row| {
                let height = (y - cy) / ry;
                let half = rx * (1.0 - height * height).max(0.0).sqrt();
                row.add_span(cx - half, cx + half);
            });
    }

    /// Draws a straight line with square ends at `from` and `to`; a dot when both are the same.
    pub fn line(&mut self, from: Point, to: Point, thickness_px: f32, ink: Ink) {
        let (dx, dy) = (
            f64::from(to.0) - f64::from(from.0),
            f64::from(to.1) - f64::from(from.1),
        );
        let length = dx.hypot(dy);
        let half = f64::from(thickness_px) / 2.0;
        if length == 0.0 {
            return self.fill_ellipse(from.0, from.1, half as f32, half as f32, ink);
        }
        let (nx, ny) = ((-dy / length * half) as f32, (dx / length * half) as f32);
        let corners = [
            (from.0 + nx, from.1 + ny),
            (to.0 + nx, to.1 + ny),
            (to.0 - nx, to.1 - ny),
            (from.0 - nx, from.1 - ny),
        ];
        self.fill_polygon(&corners, ink);
    }

    /// Fills a rectangle with round corners; the radius is at most half the shorter side.
    pub fn fill_round_rect(&mut self, rect: Rect, radius_px: f32, ink: Ink, alpha: u8) {
        let corners = Corners::of(rect, radius_px);
        // Only the corners need anti-aliasing.
        let ((x0, x1), (y0, y1)) = (corners.columns(0), corners.rows(0));
        let middle = Rect {
            y: y0,
            height: y1 - y0,
            ..rect
        };
        self.fill_rect(middle, ink, alpha);
        for (y, bottom) in [(rect.y, y0), (y1, rect.bottom())] {
            let ends = Rect {
                y,
                height: bottom - y,
                ..rect
            };
            self.fill_rect(
                Rect {
                    x: x0,
                    width: x1 - x0,
                    ..ends
                },
                ink,
                alpha,
            );
            for (x, right) in [(rect.x, x0), (x1, rect.right())] {
                let corner = Rect {
                    x,
                    width: right - x,
                    ..ends
                };
                self.fill_corner(corner, corners, ink, alpha);
            }
        }
    }

    /// Draws the border of a rectangle with round corners, inside the rectangle.
    pub fn stroke_round_rect(&mut self, rect: Rect, radius_px: f32, thickness_px: u32, ink: Ink) {
        let thickness = i32::try_from(thickness_px).unwrap_or(i32::MAX);
        if rect.is_empty() || thickness == 0 {
            return;
        }
        let outer = Corners::of(rect, radius_px);
        if outer.radius <= 0.0 {
            return self.stroke_rect(rect, thickness_px, ink);
        }
        if thickness > (rect.width.min(rect.height) - 1) / 2 {
            return self.fill_round_rect(rect, radius_px, ink, 255);
        }
        let inner = Corners::of(rect.inset(thickness), radius_px - thickness_px as f32);
        // Bars between the corners are plain rows.
        let (x0, x1) = outer.columns(thickness);
        let (y0, y1) = outer.rows(thickness);
        let across = Rect {
            x: x0,
            width: x1 - x0,
            height: thickness,
            ..rect
        };
        self.fill_rect(across, ink, 255);
        self.fill_rect(
            Rect {
                y: rect.bottom() - thickness,
                ..across
            },
            ink,
            255,
        );
        let down = Rect {
            y: y0,
            height: y1 - y0,
            width: thickness,
            ..rect
        };
        self.fill_rect(down, ink, 255);
        self.fill_rect(
            Rect {
                x: rect.right() - thickness,
                ..down
            },
            ink,
            255,
        );
        for (x, right) in [(rect.x, x0), (x1, rect.right())] {
            for (y, bottom) in [(rect.y, y0), (y1, rect.bottom())] {
                let corner = Rect::new(x, y, right - x, bottom - y);
                self.stroke_corner(corner, outer, inner, ink);
            }
        }
    }

    fn fill_corner(&mut self, corner: Rect, corners: Corners, ink: Ink, alpha: u8) {
        let area = corner.intersection(self.clip);
        let (left, right) = (f64::from(corners.rect.x), f64::from(corners.rect.right()));
        let weight = weight_of(alpha);
        self.coverage
            .draw_spans(self.picture, area, ink, weight, |y, row| {
                let inset = corners.inset_at(y);
                row.add_span(left + inset, right - inset);
            });
    }

    fn stroke_corner(&mut self, corner: Rect, outer: Corners, inner: Corners, ink: Ink) {
        let area = corner.intersection(self.clip);
        let (left, right) = (f64::from(outer.rect.x), f64::from(outer.rect.right()));
        let (hole_left, hole_right) = (f64::from(inner.rect.x), f64::from(inner.rect.right()));
        let (hole_top, hole_bottom) = (f64::from(inner.rect.y), f64::from(inner.rect.bottom()));
        self.coverage
            .draw_spans(self.picture, area, ink, OPAQUE, |y, row| {
                let inset = outer.inset_at(y);
                let (from, to) = (left + inset, right - inset);
                if y < hole_top || y > hole_bottom {
                    return row.add_span(from, to);
                }
                let hole = inner.inset_at(y);
                row.add_span(from, hole_left + hole);
                row.add_span(hole_right - hole, to);
            });
    }

    /// The bounding box of these points, within the clip.
    fn area_of(&self, points: &[Point]) -> Option<Rect> {
        if points.len() < 3 || points.iter().any(|p| !(p.0.is_finite() && p.1.is_finite())) {
            return None;
        }
        let bound = |start: f32, pick: fn(f32, f32) -> f32, side: fn(&Point) -> f32| {
            points.iter().map(side).fold(start, pick)
        };
        // Casts of floats to integers saturate.
        let left = bound(f32::MAX, f32::min, |p| p.0).floor() as i32;
        let top = bound(f32::MAX, f32::min, |p| p.1).floor() as i32;
        let right = bound(f32::MIN, f32::max, |p| p.0).ceil() as i32;
        let bottom = bound(f32::MIN, f32::max, |p| p.1).ceil() as i32;
        let clip = self.clip;
        let (x, y) = (left.max(clip.x), top.max(clip.y));
        let width = right.min(clip.right()).saturating_sub(x);
        let height = bottom.min(clip.bottom()).saturating_sub(y);
        let area = Rect::new(x, y, width, height);
        (!area.is_empty()).then_some(area)
    }
}

/// Where the edge crosses the height `y`, and in which direction. In f64, because coordinates up to
/// `f32::MAX` are multiplied here.
fn crossing(from: Point, to: Point, y: f64) -> Option<(f64, i32)> {
    let (x0, y0) = (f64::from(from.0), f64::from(from.1));
    let (x1, y1) = (f64::from(to.0), f64::from(to.1));
    let direction = if y0 <= y && y < y1 {
        1
    } else if y1 <= y && y < y0 {
        -1
    } else {
        return None;
    };
    Some((x0 + (y - y0) * (x1 - x0) / (y1 - y0), direction))
}

fn add_winding(crossings: &[(f64, i32)], row: &mut CoverRow<'_>) {
    let (mut winding, mut start) = (0, 0.0);
    for &(x, direction) in crossings {
        if winding == 0 {
            start = x;
        }
        winding += direction;
        if winding == 0 {
            row.add_span(start, x);
        }
    }
}

/// A rectangle and the radius of its corners.
#[derive(Clone, Copy)]
struct Corners {
    rect: Rect,
    radius: f64,
}

impl Corners {
    fn of(rect: Rect, radius_px: f32) -> Self {
        let most = f64::from(rect.width.min(rect.height).max(0)) / 2.0;
        // A NaN radius becomes 0.
        Self {
            rect,
            radius: f64::from(radius_px).max(0.0).min(most),
        }
    }

    /// The distance between the round edge and the rectangle's side at the height `y`.
    fn inset_at(&self, y: f64) -> f64 {
        let above = f64::from(self.rect.y) + self.radius - y;
        let below = y - (f64::from(self.rect.bottom()) - self.radius);
        let away = above.max(below).max(0.0).min(self.radius);
        self.radius - (self.radius * self.radius - away * away).sqrt()
    }

    /// The columns between the corners, which are at least `least_px` wide.
    fn columns(&self, least_px: i32) -> (i32, i32) {
        self.between(self.rect.x, self.rect.right(), least_px)
    }

    fn rows(&self, least_px: i32) -> (i32, i32) {
        self.between(self.rect.y, self.rect.bottom(), least_px)
    }

    /// Even where possible, because a seam inside a chroma sample would blend it twice.
    fn between(&self, start: i32, end: i32, least_px: i32) -> (i32, i32) {
        let size = (self.radius.ceil() as i32).max(least_px);
        let first = start.saturating_add(size).saturating_add(1) & !1;
        let last = end.saturating_sub(size) & !1;
        let first = first.clamp(start, end);
        (first, last.clamp(first, end))
    }
}
