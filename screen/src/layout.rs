//! Where everything is on the screen: a display list from the state and the sizes. Pure.
//!
//! The feed is as large as it can be without distortion. A strip at the bottom has the counts and the state of the
//! station. The codes are in a column in the lower right corner, or below the feed where a tall display leaves
//! room. The strip and the codes are moved off the feed where there is room for them.

mod codes;
mod question;
mod strip;
#[cfg(test)]
mod tests;
mod visitor;

use std::sync::Arc;

use capture::canvas::{Ink, Rect, Text};

use crate::state::{CodeMatrix, ScreenState, Theme, VisitorPicture};

pub use self::visitor::Corner;

/// What is on the screen. Rectangles are in pixels of the upright picture, with even coordinates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayList {
    /// Around the feed.
    pub ground: Ink,
    /// `None`: there is no picture, or the codes cover it.
    pub feed: Option<Rect>,
    /// The feed's contrast is stretched, for daylight.
    pub is_stretched: bool,
    /// Opaque, and drawn over the feed in this order.
    pub panels: Vec<Panel>,
}

/// A filled rectangle with its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    pub rect: Rect,
    pub ground: Ink,
    /// In pixels of the panel.
    pub items: Vec<Item>,
}

/// Something on a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Text {
        x: i32,
        baseline: i32,
        size_px: u32,
        text: String,
        ink: Ink,
    },
    Fill {
        rect: Rect,
        ink: Ink,
    },
    /// Scaled to the rectangle.
    Picture {
        rect: Rect,
        picture: VisitorPicture,
    },
    /// Black on the panel's ground, which is white.
    Code {
        x: i32,
        y: i32,
        module_px: u32,
        matrix: Arc<CodeMatrix>,
    },
}

/// The colours of a [`Theme`].
#[derive(Debug, Clone, Copy)]
struct Colours {
    ground: Ink,
    text: Ink,
    quiet: Ink,
    warning: Ink,
}

impl Colours {
    fn of(theme: Theme) -> Self {
        match theme {
            Theme::Bright => Self {
                ground: Ink::WHITE,
                text: Ink::rgb(12, 14, 18),
                quiet: Ink::rgb(80, 86, 96),
                warning: Ink::rgb(176, 24, 24),
            },
            Theme::Dark => Self {
                ground: Ink::rgb(12, 14, 18),
                text: Ink::rgb(240, 242, 245),
                quiet: Ink::rgb(160, 168, 178),
                warning: Ink::rgb(255, 110, 96),
            },
        }
    }
}

/// Text of this part of the shorter side is legible from two metres on a laptop's display.
const TEXT_PART: f32 = 0.042;
const SMALLEST_TEXT_PX: f32 = 14.0;

/// The display list for an upright picture of `size` pixels; `feed`: the size of the feed's pictures. `text`
/// measures.
#[must_use]
pub fn layout(
    state: &ScreenState,
    size: (u32, u32),
    feed: Option<(u32, u32)>,
    text: &Text,
) -> DisplayList {
    let screen = Rect::of_size(size.0 & !1, size.1 & !1);
    let colours = Colours::of(state.theme);
    let ground = colours.ground;
    if state.is_blank {
        return DisplayList {
            ground: Ink::BLACK,
            feed: None,
            is_stretched: false,
            panels: Vec::new(),
        };
    }
    let shorter_px = screen.width.min(screen.height) as f32;
    let text_px = (shorter_px * TEXT_PART).max(SMALLEST_TEXT_PX) as u32;
    let question = question::question(state.pin, screen, text_px, &colours, text);
    if state.has_large_codes && !state.codes.is_empty() {
        return DisplayList {
            ground: Ink::WHITE,
            feed: None,
            is_stretched: false,
            panels: [codes::large(&state.codes, screen, text)]
                .into_iter()
                .chain(question)
                .collect(),
        };
    }
    let strip = strip::strip(state, screen, text_px, &colours, text);
    let above = screen.rows(0, strip.rect.y);
    let (feed, below) = match feed {
        Some(size) => placed(size, screen, above, !state.codes.is_empty()),
        None => (None, Rect::default()),
    };
    let mut panels = vec![strip];
    let codes = codes::beside(&state.codes, above, below, text);
    let beside = codes.as_ref().map_or(Rect::default(), |codes| codes.rect);
    let area = feed.map_or(above, |feed| feed.intersection(above));
    panels.extend(visitor::visitor(state.visitor.as_ref(), area, beside));
    panels.extend(codes);
    panels.extend(question);
    DisplayList {
        ground,
        feed,
        is_stretched: state.theme == Theme::Bright,
        panels,
    }
}

/// The feed on the screen, and the free rows below it if they are many: those are for the codes.
fn placed(size: (u32, u32), screen: Rect, above: Rect, has_codes: bool) -> (Option<Rect>, Rect) {
    if screen.is_empty() || size.0 == 0 || size.1 == 0 {
        return (None, Rect::default());
    }
    let (width, height) = fitted(size, screen);
    let x = even((screen.width - width) / 2);
    let free = above.height - height;
    if has_codes && free >= codes::fewest_rows(above) {
        let below = above.rows(height, free);
        return (Some(Rect::new(x, 0, width, height)), below);
    }
    // The strip covers the feed only where there is no room for both.
    let rows = if free >= 0 { above } else { screen };
    let y = even((rows.height - height) / 2);
    (Some(Rect::new(x, y, width, height)), Rect::default())
}

/// The largest even size within `screen` with the shape of `size`.
fn fitted(size: (u32, u32), screen: Rect) -> (i32, i32) {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let scale = (f64::from(screen.width) / width).min(f64::from(screen.height) / height);
    let side = |side: f64, most: i32| ((side * scale / 2.0).round() as i32 * 2).clamp(2, most);
    (side(width, screen.width), side(height, screen.height))
}

fn even(length: i32) -> i32 {
    length & !1
}
