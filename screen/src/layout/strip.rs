//! The strip at the bottom: the station's name, the counts, and its state. Pure.

use capture::canvas::{Rect, Text};

use super::{Colours, Item, Panel, even};
use crate::counts;
use crate::state::ScreenState;

/// The strip's height, its margin, and the gap between its texts, in heights of its text.
const HEIGHT: f32 = 1.7;
const MARGIN: f32 = 0.6;
const GAP: f32 = 1.0;

pub(super) fn strip(
    state: &ScreenState,
    screen: Rect,
    text_px: u32,
    colours: &Colours,
    text: &Text,
) -> Panel {
    let height = even((text_px as f32 * HEIGHT) as i32).min(screen.height);
    let [margin, gap] = [MARGIN, GAP].map(|part| part * text_px as f32);
    let baseline = (height as f32 + Text::cap_height_px(text_px)) / 2.0;
    let mut items = Vec::new();
    let mut add = |x: f32, words: String, ink| {
        items.push(Item::Text {
            x: x as i32,
            baseline: baseline as i32,
            size_px: text_px,
            text: words,
            ink,
        });
    };

    // The state is never cut: who stands there has to see whether the camera is open.
    let status = status(state);
    let right = screen.width as f32 - margin;
    let status_x = (right - text.width_px(&status, text_px)).max(margin);
    let status_ink = if state.is_closed {
        colours.warning
    } else {
        colours.quiet
    };
    let room = status_x - gap - margin;
    let counts = counts::in_words(&state.counts);
    let counts_px = text.width_px(&counts, text_px);
    let name_px = text.width_px(&state.name, text_px);
    let mut x = margin;
    let separation = if counts.is_empty() { 0.0 } else { gap };
    if name_px + separation + counts_px <= room {
        add(x, state.name.clone(), colours.quiet);
        x += name_px + separation;
    }
    let counts = text.fitted(&counts, text_px, room - (x - margin));
    if !counts.is_empty() {
        add(x, counts.into_owned(), colours.text);
    }
    if !status.is_empty() {
        add(status_x, status, status_ink);
    }
    Panel {
        rect: screen.rows(screen.height - height, height),
        ground: colours.ground,
        items,
    }
}

fn status(state: &ScreenState) -> String {
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
