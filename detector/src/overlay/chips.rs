//! Where the label of a box goes.

use capture::canvas::Rect;

use super::sizes::Sizes;

/// On which side of its box a label hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the upper edge, outside: hides nothing of the thing.
    Above,
    /// In the upper left corner.
    Inside,
    /// Under the lower edge.
    Below,
}

/// A label that wants a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// The bright line of its box.
    pub(crate) line: Rect,
    /// Size of the label.
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// Where it hung in the frame before.
    pub(crate) before: Option<Place>,
}

/// The place of a label: inside `bounds` always, off the `taken` ones if possible.
///
/// A label leaves the place it had only for one that is better by some pixels: a box that
/// trembles on the border between two places must not make its label jump.
pub(crate) fn place(wish: &Wish, bounds: Rect, taken: &[Rect], sizes: Sizes) -> (Place, Rect) {
    // A label inside a low box would hide it.
    let low = wish.line.height < wish.height * 2;
    let order = if low {
        [Place::Above, Place::Below, Place::Inside]
    } else {
        [Place::Above, Place::Inside, Place::Below]
    };
    let slack = sizes.text as i32 / 3;
    let free = |&place: &Place| {
        let margin = if wish.before.is_none_or(|before| before == place) {
            0
        } else {
            slack
        };
        let rect = at(wish, place, sizes);
        let held = rect.y - margin >= bounds.y && rect.bottom() + margin <= bounds.bottom();
        held && !taken
            .iter()
            .any(|other| meets(rect.inset(-margin), *other, bounds))
    };
    let fits = |&place: &Place| {
        let rect = at(wish, place, sizes);
        rect.y >= bounds.y && rect.bottom() <= bounds.bottom()
    };
    let found = order
        .iter()
        .copied()
        .find(free)
        .or_else(|| order.iter().copied().find(fits));
    let place = found.unwrap_or(Place::Inside);
    (place, held_in(at(wish, place, sizes), bounds))
}

fn at(wish: &Wish, place: Place, sizes: Sizes) -> Rect {
    let (line, height) = (wish.line, wish.height);
    let y = match place {
        Place::Above => line.y.saturating_add(sizes.line - height),
        Place::Inside => line.y,
        Place::Below => line.bottom().saturating_sub(sizes.line),
    };
    Rect {
        x: line.x,
        y,
        width: wish.width,
        height,
    }
}

fn meets(rect: Rect, other: Rect, bounds: Rect) -> bool {
    !held_in(rect, bounds).intersection(other).is_empty()
}

/// Moved, not cut, so that it lies inside `bounds` (at its upper left where it is too large).
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

    const BOUNDS: Rect = Rect {
        x: 0,
        y: 16,
        width: 1280,
        height: 704,
    };

    fn wish(x: i32, y: i32, width: i32, height: i32) -> Wish {
        let line = Rect {
            x,
            y,
            width,
            height,
        };
        Wish {
            line,
            width: 120,
            height: 30,
            before: None,
        }
    }

    fn placed(wish: &Wish, taken: &[Rect]) -> (Place, Rect) {
        let (place, rect) = place(wish, BOUNDS, taken, Sizes::of(720));
        assert_eq!(rect.intersection(BOUNDS), rect, "never leaves the bounds");
        (place, rect)
    }

    #[test]
    fn hangs_above_and_flips_inside_at_the_top() {
        assert_eq!(placed(&wish(100, 100, 200, 200), &[]).0, Place::Above);
        assert_eq!(placed(&wish(100, 20, 200, 200), &[]).0, Place::Inside);
        assert_eq!(
            placed(&wish(100, 20, 200, 40), &[]).0,
            Place::Below,
            "too low to cover"
        );
        assert_eq!(placed(&wish(0, 16, 1280, 704), &[]).0, Place::Inside);
    }

    #[test]
    fn stays_in_the_picture_at_the_sides() {
        assert_eq!(placed(&wish(1250, 300, 30, 200), &[]).1.right(), 1280);
        assert_eq!(placed(&wish(-40, 300, 90, 200), &[]).1.x, 0);
        placed(&wish(i32::MIN, i32::MAX, i32::MAX, i32::MAX), &[]);
        placed(&wish(i32::MAX, i32::MIN, 1, 1), &[]);
    }

    #[test]
    fn makes_way_for_another_label() {
        let first = placed(&wish(100, 100, 200, 200), &[]).1;
        let (place, second) = placed(&wish(130, 104, 200, 200), &[first]);
        assert_eq!(place, Place::Inside);
        assert!(first.intersection(second).is_empty());
    }

    #[test]
    fn does_not_jump_on_the_border_of_two_places() {
        // 28 px above the line are needed and 16 rows are reserved.
        let mut on_border = wish(100, 43, 200, 200);
        assert_eq!(placed(&on_border, &[]).0, Place::Above);
        on_border.before = Some(Place::Inside);
        assert_eq!(placed(&on_border, &[]).0, Place::Inside);
        on_border.line.y = 60;
        assert_eq!(placed(&on_border, &[]).0, Place::Above);
    }
}
