//! The positions of labels. Pure.

use capture::canvas::Rect;

use super::style::Sizes;

/// The position of a label at its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelPosition {
    /// On the upper edge, outside.
    Above,
    /// In the upper left corner.
    Inside,
    /// Under the lower edge.
    Below,
}

use LabelPosition::{Above, Below, Inside};

/// A label to be placed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelRequest {
    /// The line of its box.
    pub(crate) line: Rect,
    /// Size of the label.
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// Its position in the previous frame.
    pub(crate) before: Option<LabelPosition>,
}

/// Chooses the position of a label: always inside `bounds`, and outside the `taken` rectangles if
/// possible.
///
/// With hysteresis: a label leaves its previous position only for one that has some pixels to spare, so
/// that it does not jump while its box jitters.
pub(crate) fn place(
    request: &LabelRequest,
    bounds: Rect,
    taken: &[Rect],
    sizes: Sizes,
) -> (LabelPosition, Rect) {
    // A label inside a low box would cover it.
    let low = request.line.height < request.height * 2;
    let order = match low {
        true => [Above, Below, Inside],
        false => [Above, Inside, Below],
    };
    let slack = sizes.text as i32 / 3;
    let free = |&place: &LabelPosition| {
        let stays = request.before.is_none_or(|before| before == place);
        let margin = if stays { 0 } else { slack };
        let rect = at(request, place, sizes);
        let held = rect.y - margin >= bounds.y && rect.bottom() + margin <= bounds.bottom();
        let roomy = held_in(rect.inset(-margin), bounds);
        let mut taken = taken.iter();
        held && taken.all(|other| roomy.intersection(*other).is_empty())
    };
    let fits = |&place: &LabelPosition| {
        let rect = at(request, place, sizes);
        rect.y >= bounds.y && rect.bottom() <= bounds.bottom()
    };
    let find_fitting = || order.into_iter().find(fits);
    let place = order.into_iter().find(free).or_else(find_fitting);
    let place = place.unwrap_or(Inside);
    (place, held_in(at(request, place, sizes), bounds))
}

fn at(request: &LabelRequest, place: LabelPosition, sizes: Sizes) -> Rect {
    let (line, height) = (request.line, request.height);
    let y = match place {
        LabelPosition::Above => line.y.saturating_add(sizes.line - height),
        LabelPosition::Inside => line.y,
        LabelPosition::Below => line.bottom().saturating_sub(sizes.line),
    };
    Rect::new(line.x, y, request.width, height)
}

/// The rectangle moved into `bounds`; at the upper left when it is too large.
fn held_in(rect: Rect, bounds: Rect) -> Rect {
    let held =
        |start: i32, size: i32, low: i32, high: i32| start.min(high.saturating_sub(size)).max(low);
    Rect {
        x: held(rect.x, rect.width, bounds.x, bounds.right()),
        y: held(rect.y, rect.height, bounds.y, bounds.bottom()),
        ..rect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Rect = Rect::new(0, 16, 1280, 704);

    fn request(x: i32, y: i32, width: i32, height: i32) -> LabelRequest {
        let line = Rect::new(x, y, width, height);
        LabelRequest {
            line,
            width: 120,
            height: 30,
            before: None,
        }
    }

    fn placed(request: &LabelRequest, taken: &[Rect]) -> (LabelPosition, Rect) {
        let (place, rect) = place(request, BOUNDS, taken, Sizes::of(720));
        assert_eq!(rect.intersection(BOUNDS), rect, "never leaves the bounds");
        (place, rect)
    }

    #[test]
    fn a_label_is_above_its_box_and_inside_at_the_top() {
        let side = |x, y, width, height| placed(&request(x, y, width, height), &[]).0;
        assert_eq!(side(100, 100, 200, 200), Above);
        assert_eq!(side(100, 20, 200, 200), Inside);
        assert_eq!(side(100, 20, 200, 40), Below, "too low to cover");
        assert_eq!(side(0, 16, 1280, 704), Inside);
    }

    #[test]
    fn stays_in_the_picture_at_the_sides() {
        assert_eq!(placed(&request(1250, 300, 30, 200), &[]).1.right(), 1280);
        assert_eq!(placed(&request(-40, 300, 90, 200), &[]).1.x, 0);
        placed(&request(i32::MIN, i32::MAX, i32::MAX, i32::MAX), &[]);
        placed(&request(i32::MAX, i32::MIN, 1, 1), &[]);
    }

    #[test]
    fn a_label_avoids_another_one() {
        let first = placed(&request(100, 100, 200, 200), &[]).1;
        let (place, second) = placed(&request(130, 104, 200, 200), &[first]);
        assert_eq!(place, LabelPosition::Inside);
        assert!(first.intersection(second).is_empty());
    }

    #[test]
    fn a_label_does_not_jump_between_two_positions() {
        // 28 px above the line are needed and 16 rows are reserved.
        let mut on_border = request(100, 43, 200, 200);
        assert_eq!(placed(&on_border, &[]).0, LabelPosition::Above);
        on_border.before = Some(LabelPosition::Inside);
        assert_eq!(placed(&on_border, &[]).0, LabelPosition::Inside);
        on_border.line.y = 60;
        assert_eq!(placed(&on_border, &[]).0, LabelPosition::Above);
    }
}
