//! A picture that a visitor agreed to show, in a corner of the feed. Pure.

use capture::canvas::{Ink, Rect};

use super::{Item, Panel, even, fitted};
use crate::state::VisitorPicture;

/// A corner of the feed. The lower right one is for the codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Corner {
    #[default]
    UpperLeft,
    UpperRight,
    LowerLeft,
}

/// The largest sides of the picture, as parts of the feed's, and the white edge, as a part of the feed's height.
const SIDES: (f32, f32) = (0.32, 0.42);
const EDGE: f32 = 0.01;

impl Corner {
    /// The corner where a picture hides least of these boxes: left, top, right, bottom in parts of the feed.
    #[must_use]
    pub fn with_least_hidden(boxes: &[[f32; 4]]) -> Self {
        let (width, height) = SIDES;
        let hidden = |(left, top): (f32, f32)| -> f32 {
            let overlaps = boxes.iter().map(|[x, y, right, bottom]| {
                let across = right.min(left + width) - x.max(left);
                let down = bottom.min(top + height) - y.max(top);
                across.max(0.0) * down.max(0.0)
            });
            overlaps.sum()
        };
        let corners = [
            (Self::UpperLeft, (0.0, 0.0)),
            (Self::UpperRight, (1.0 - width, 0.0)),
            (Self::LowerLeft, (0.0, 1.0 - height)),
        ];
        let mut best = (Self::UpperLeft, f32::MAX);
        for (corner, at) in corners {
            let hidden = hidden(at);
            if hidden < best.1 {
                best = (corner, hidden);
            }
        }
        best.0
    }
}

/// `area`: the part of the feed that nothing covers but `codes`.
pub(super) fn visitor(shown: Option<&VisitorPicture>, area: Rect, codes: Rect) -> Option<Panel> {
    let shown = shown?;
    let edge = even((area.height as f32 * EDGE) as i32).max(2);
    let most = Rect::new(
        0,
        0,
        even((area.width as f32 * SIDES.0) as i32) - 2 * edge,
        even((area.height as f32 * SIDES.1) as i32) - 2 * edge,
    );
    let size = (shown.pixels.width(), shown.pixels.height());
    if most.width < 2 || most.height < 2 {
        return None;
    }
    let (width, height) = fitted(size, most);
    let (wide, high) = (width + 2 * edge, height + 2 * edge);
    let at = |corner| {
        let (left, top) = (even(area.x), even(area.y));
        let (right, bottom) = (even(area.right() - wide), even(area.bottom() - high));
        let (x, y) = match corner {
            Corner::UpperLeft => (left, top),
            Corner::UpperRight => (right, top),
            Corner::LowerLeft => (left, bottom),
        };
        Rect::new(x, y, wide, high)
    };
    let mut rect = at(shown.corner);
    if !rect.intersection(codes).is_empty() {
        rect = at(Corner::UpperLeft);
    }
    Some(Panel {
        rect,
        ground: Ink::WHITE,
        items: vec![Item::Picture {
            rect: Rect::new(edge, edge, width, height),
            picture: shown.clone(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corner_without_people_is_taken() {
        assert_eq!(Corner::with_least_hidden(&[]), Corner::UpperLeft);
        let left = [0.05, 0.1, 0.3, 0.95];
        assert_eq!(Corner::with_least_hidden(&[left]), Corner::UpperRight);
        let above = [0.0, 0.0, 1.0, 0.5];
        assert_eq!(Corner::with_least_hidden(&[above]), Corner::LowerLeft);
    }
}
