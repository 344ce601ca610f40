//! The strip at the bottom: the station's name, the counts, and its state. Pure.

use capture::canvas::{Ink, Rect, Text};

use super::{Colours, Item, Panel, even};
use crate::counts;
use crate::state::{ScreenState, StatusItem};

/// The height of a row, the strip's margin, and the gap between its texts, in heights of the row's text.
const HEIGHT: f32 = 1.7;
const MARGIN: f32 = 0.6;
const GAP: f32 = 1.0;
/// This part of the first row is for the counts. It does not depend on them, so that the feed keeps its size when they
/// change.
const COUNTS_PART: f32 = 0.35;
/// The text of a second row, as a part of the first row's: the largest one with which everything fits, at most and
/// at least this.
const SECOND_ROW_PARTS: (f32, f32) = (0.8, 0.55);

/// One row of the strip, whose text is added from both ends.
struct StripRow<'a> {
    items: Vec<Item>,
    text: &'a Text,
    size_px: u32,
    baseline: i32,
    left: f32,
    right: f32,
}

impl<'a> StripRow<'a> {
    fn new((top, width): (i32, i32), margin: f32, size_px: u32, text: &'a Text) -> Self {
        let middle = height_of(size_px) as f32 + Text::cap_height_px(size_px);
        Self {
            items: Vec::new(),
            text,
            size_px,
            baseline: top + (middle / 2.0) as i32,
            left: margin,
            right: width as f32 - margin,
        }
    }

    fn gap(&self) -> f32 {
        GAP * self.size_px as f32
    }

    fn width_px(&self, words: &str) -> f32 {
        self.text.width_px(words, self.size_px)
    }

    /// The room between what stands at both ends.
    fn room(&self) -> f32 {
        self.right - self.left
    }

    fn put(&mut self, x: f32, words: &str, ink: Ink) {
        if !words.is_empty() {
            self.items.push(Item::Text {
                x: x.max(0.0) as i32,
                baseline: self.baseline,
                size_px: self.size_px,
                text: words.to_owned(),
                ink,
            });
        }
    }

    fn add_left(&mut self, words: &str, ink: Ink) {
        let words = self.text.fitted(words, self.size_px, self.room());
        self.put(self.left, &words, ink);
        if !words.is_empty() {
            self.left += self.width_px(&words) + self.gap();
        }
    }

    fn add_right(&mut self, words: &str, ink: Ink) {
        if !words.is_empty() {
            let x = self.right - self.width_px(words);
            self.put(x, words, ink);
            self.right = x - self.gap();
        }
    }

    /// Those that have room, warnings before others.
    fn add_status(&mut self, status: &[StatusItem], colours: &Colours) {
        let mut in_order: Vec<&StatusItem> = status.iter().collect();
        in_order.sort_by_key(|item| !item.is_warning);
        for item in in_order {
            let ink = if item.is_warning {
                colours.warning
            } else {
                colours.quiet
            };
            if self.width_px(&item.text) <= self.room() {
                self.add_right(&item.text, ink);
            }
        }
    }
}

pub(super) fn strip(
    state: &ScreenState,
    screen: Rect,
    text_px: u32,
    colours: &Colours,
    text: &Text,
) -> Panel {
    let margin = MARGIN * text_px as f32;
    let mut first = StripRow::new((0, screen.width), margin, text_px, text);
    // The camera's state is never cut: who stands there has to see whether it is open.
    let ink = if state.is_closed {
        colours.warning
    } else {
        colours.quiet
    };
    first.add_right(&camera(state), ink);

    let status = state.status.iter();
    let status_px: f32 = status
        .map(|item| first.width_px(&item.text) + first.gap())
        .sum();
    let mut height = height_of(text_px);
    let mut second = None;
    if status_px + COUNTS_PART * screen.width as f32 <= first.room() {
        first.add_status(&state.status, colours);
    } else {
        let (most, least) = SECOND_ROW_PARTS;
        let fitting = (screen.width as f32 - 2.0 * margin) / status_px;
        let size_px = (text_px as f32 * fitting.min(most).max(least)) as u32;
        // The gap between the rows is that of one row.
        let top = height - (height_of(size_px) - size_px as i32) / 2;
        let mut row = StripRow::new((top, screen.width), margin, size_px, text);
        row.add_status(&state.status, colours);
        height = even(top + height_of(size_px));
        second = Some(row);
    }

    let counts = counts::in_words(&state.counts);
    let name_px = first.width_px(&state.name) + first.gap();
    if name_px + first.width_px(&counts) <= first.room() {
        first.add_left(&state.name, colours.quiet);
    }
    first.add_left(&counts, colours.text);

    let mut items = first.items;
    items.extend(second.into_iter().flat_map(|row| row.items));
    let height = height.min(screen.height);
    Panel {
        rect: screen.rows(screen.height - height, height),
        ground: colours.ground,
        items,
    }
}

fn height_of(size_px: u32) -> i32 {
    even((size_px as f32 * HEIGHT) as i32)
}

fn camera(state: &ScreenState) -> String {
    let mut parts = Vec::new();
    if state.is_closed {
        parts.push("Camera closed".to_owned());
    }
    if !state.privacy.is_empty() {
        parts.push(state.privacy.clone());
    }
    if state.viewers > 0 {
        parts.push(format!("{} watching", state.viewers));
    }
    parts.join(" · ")
}
