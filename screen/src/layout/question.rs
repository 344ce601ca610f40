//! The question for the PIN, in the middle of the screen. Pure.

use capture::canvas::{Rect, Text};

use super::{Colours, Item, Panel, even};
use crate::output::Key;
use crate::pin::{PinNotice, PinQuestion};

/// Measures in heights of the text.
const HEIGHT: f32 = 5.0;
const MARGIN: f32 = 1.0;
const BASELINE: f32 = 1.7;
const DOTS: f32 = 2.8;
const DOT: f32 = 0.6;
const DOT_EVERY: f32 = 1.1;
/// Of the panel's edge.
const EDGE: f32 = 0.12;

pub(super) fn question(
    asked: Option<PinQuestion>,
    screen: Rect,
    text_px: u32,
    colours: &Colours,
    text: &Text,
) -> Option<Panel> {
    let asked = asked?;
    let [height, margin, baseline, dots, dot, dot_every, edge] =
        [HEIGHT, MARGIN, BASELINE, DOTS, DOT, DOT_EVERY, EDGE].map(|part| part * text_px as f32);
    let words = words(asked);
    let content = text
        .width_px(&words, text_px)
        .max(asked.digits as f32 * dot_every);
    let width = even((content + 2.0 * margin) as i32 + 2).min(screen.width);
    let height = even(height as i32).min(screen.height);
    let rect = Rect::new(
        even((screen.width - width) / 2),
        even((screen.height - height) / 2),
        width,
        height,
    );
    let edge = (edge as i32).max(2);
    let inside = Rect::new(edge, edge, width - 2 * edge, height - 2 * edge);
    let whole = Rect::new(0, 0, width, height);
    let room = width as f32 - 2.0 * margin;
    let fill = |rect, ink| Item::Fill { rect, ink };
    let is_quiet = matches!(asked.notice, PinNotice::None);
    let mut items = vec![
        fill(whole, colours.quiet),
        fill(inside, colours.ground),
        Item::Text {
            x: margin as i32,
            baseline: baseline as i32,
            size_px: text_px,
            text: text.fitted(&words, text_px, room).into_owned(),
            ink: if is_quiet {
                colours.text
            } else {
                colours.warning
            },
        },
    ];
    let shown = asked.digits.min((room / dot_every).max(0.0) as u32);
    items.extend((0..shown).map(|index| {
        let x = margin + index as f32 * dot_every;
        let side = dot as i32;
        fill(Rect::new(x as i32, dots as i32, side, side), colours.text)
    }));
    Some(Panel {
        rect,
        ground: colours.ground,
        items,
    })
}

fn words(asked: PinQuestion) -> String {
    match asked.notice {
        PinNotice::Wrong => "Wrong PIN".to_owned(),
        PinNotice::Wait { seconds } => format!("Too many wrong PINs: wait {seconds} s"),
        PinNotice::None if asked.key == Key::Shutter => "PIN to open the camera".to_owned(),
        PinNotice::None => "PIN to hide less".to_owned(),
    }
}
