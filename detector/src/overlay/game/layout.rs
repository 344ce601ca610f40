//! Where everything of a banner is. Pure.
//!
//! The stack of line, large word and rows stands at the bottom, where it hides no faces; clock and score are in the upper
//! corners, or the two halves' counts are.

use capture::canvas::{Rect, Text};

use super::super::style::{self, ACCENT, PAPER, QUIET, Rgb};
use super::banner::{BannerSide, GameBanner, URGENT};

/// The height of the capitals of the large word, in parts of the picture's height.
const BIG_CAPITALS: f32 = 1.0 / 6.0;
/// Heights of letters and spaces, in parts of the unit.
const LINE: f32 = 0.064;
/// A line without a large word, such as a result.
const HEADLINE: f32 = 0.105;
const ROW: f32 = 0.05;
const ANSWER: f32 = 0.06;
const COUNT: f32 = 0.15;
const CLOCK: f32 = 0.125;
const SPACE: f32 = 0.026;
const MARGIN: f32 = 0.028;
const BAR: f32 = 0.016;
const FRAME: f32 = 0.04;
/// Parts of the letters' height that are below the baseline.
const DESCENT: f32 = 0.22;
/// Of the width.
const ROOM: f32 = 0.9;
const LINES_MAX: usize = 2;
/// Lines of all rows together.
const ROW_LINES_MAX: usize = 4;

/// A text, or the place of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlacedText {
    pub(super) text: String,
    pub(super) centre_x: f32,
    pub(super) baseline: i32,
    pub(super) size_px: u32,
    pub(super) colour: Rgb,
}

/// Everything in pixels of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BannerLayout {
    /// Grounds; with a colour of their own they are opaque.
    pub(super) chips: Vec<(Rect, Option<Rgb>)>,
    pub(super) radius: f32,
    pub(super) texts: Vec<PlacedText>,
    /// Before the score.
    pub(super) star: Option<Vec<(f32, f32)>>,
    /// Where the seconds of the clock are.
    pub(super) digits: Option<PlacedText>,
    /// The clock as a bar at the lower edge.
    pub(super) bar: Rect,
    /// Between the two halves.
    pub(super) divider: Option<Rect>,
    /// Of a flash.
    pub(super) frame: Rect,
    pub(super) frame_px: u32,
}

impl BannerLayout {
    /// `size`: width and height of the picture, and rows at its top that stay free.
    pub(super) fn new(
        banner: &GameBanner,
        (width, height, reserved_top_px): (u32, u32, u32),
        text: &Text,
    ) -> Self {
        let whole = Rect::of_size(width, height);
        let reserved = reserved_top_px.min(height) as i32;
        let mut placing = Placing {
            width: width as f32,
            height: height as f32,
            // Upright pictures are scaled by their width.
            unit: (height as f32).min(width as f32 * 0.75),
            top: reserved,
            text,
            layout: Self {
                chips: Vec::new(),
                radius: 0.0,
                texts: Vec::new(),
                star: None,
                digits: None,
                bar: Rect::default(),
                divider: None,
                frame: whole.rows(reserved, whole.height - reserved),
                frame_px: 0,
            },
        };
        placing.place(banner);
        placing.layout
    }
}

struct Placing<'a> {
    width: f32,
    height: f32,
    unit: f32,
    /// The first row that is not reserved.
    top: i32,
    text: &'a Text,
    layout: BannerLayout,
}

/// One line of the stack; `words` are absent where the digits of the clock are.
struct StackLine {
    words: Option<String>,
    size_px: u32,
    colour: Rgb,
}

impl Placing<'_> {
    fn px(&self, parts: f32) -> i32 {
        ((self.unit * parts).round() as i32).max(2)
    }

    /// At least what can be read when a picture of 360 rows is seen on a phone.
    fn size(&self, parts: f32) -> u32 {
        ((self.unit * parts).round() as u32).max(12)
    }

    fn place(&mut self, banner: &GameBanner) {
        self.layout.radius = self.px(0.02) as f32;
        self.layout.frame_px = self.px(FRAME).unsigned_abs();
        let bar = self.px(BAR);
        let bottom = self.height as i32;
        self.layout.bar = Rect::new(0, bottom - bar, self.width as i32, bar);
        let stack_top = self.place_stack(banner);
        if let Some(sides) = &banner.sides {
            self.place_sides(sides, stack_top);
        }
        if let Some(clock) = banner.clock
            && !has_large_digits(banner)
        {
            let digits = clock.total.as_secs().max(10).to_string();
            self.place_clock(&"8".repeat(digits.len()), banner.sides.is_some());
        }
        if let Some(score) = banner.score {
            self.place_score(score);
        }
    }

    /// Returns the first row of the stack.
    fn place_stack(&mut self, banner: &GameBanner) -> i32 {
        let lines = self.stack_lines(banner);
        let space = self.px(SPACE) as f32;
        let below = |line: &StackLine| line.size_px as f32 * DESCENT;
        let heights = lines
            .iter()
            .map(|line| Text::cap_height_px(line.size_px) + below(line));
        let gaps = space * (lines.len().max(1) - 1) as f32;
        let stack = heights.sum::<f32>() + gaps;
        let pad = space * 1.2;
        let bottom = self.layout.bar.y as f32 - self.px(MARGIN) as f32;
        let top = (bottom - stack - 2.0 * pad).max(self.top as f32);
        let mut y = top + pad;
        let mut widest = 0.0_f32;
        for line in lines {
            let words = line.words.as_deref().unwrap_or("8");
            widest = widest.max(self.text.width_px(words, line.size_px));
            y += Text::cap_height_px(line.size_px);
            let placed = PlacedText {
                centre_x: self.width / 2.0,
                baseline: y.round() as i32,
                size_px: line.size_px,
                colour: line.colour,
                text: line.words.clone().unwrap_or_default(),
            };
            match line.words {
                Some(_) => self.layout.texts.push(placed),
                None => self.layout.digits = Some(placed),
            }
            y += below(&line) + space;
        }
        let ground = (widest + 4.0 * pad).min(self.width);
        let left = ((self.width - ground) / 2.0).round() as i32;
        let chip = Rect::new(left, top as i32, ground as i32, (bottom - top) as i32);
        self.layout.chips.push((chip, None));
        top as i32
    }

    fn stack_lines(&self, banner: &GameBanner) -> Vec<StackLine> {
        let room = self.width * ROOM;
        let mut lines = Vec::new();
        let mut add = |words: Vec<String>, size_px, colour| {
            lines.extend(words.into_iter().map(|words| StackLine {
                words: Some(words),
                size_px,
                colour,
            }));
        };
        let has_large = banner.big_word.is_some() || has_large_digits(banner);
        let line_px = self.size(if has_large { LINE } else { HEADLINE });
        let line = self.text.balanced(&banner.line, line_px, room, LINES_MAX);
        add(line, line_px, PAPER);
        if let Some(word) = &banner.big_word {
            let size_px = self.big_size(word);
            let word = self.text.fitted(word, size_px, room);
            add(vec![word.into_owned()], size_px, ACCENT);
        }
        if has_large_digits(banner) {
            lines.push(StackLine {
                words: None,
                size_px: self.big_size("8"),
                colour: ACCENT,
            });
        }
        let row_px = self.size(ROW);
        let rows = banner.rows.iter();
        let rows = rows.flat_map(|row| self.text.balanced(row, row_px, room, LINES_MAX));
        lines.extend(rows.take(ROW_LINES_MAX).map(|words| StackLine {
            words: Some(words),
            size_px: row_px,
            colour: QUIET,
        }));
        lines
    }

    /// The size at which the word is large enough, or a smaller one at which it fits.
    fn big_size(&self, word: &str) -> u32 {
        let wanted = self.height.min(self.unit * 1.34) * BIG_CAPITALS;
        let mut size_px = 12;
        while Text::cap_height_px(size_px) < wanted
            && self.text.width_px(word, size_px + 1) <= self.width * ROOM
        {
            size_px += 1;
        }
        size_px
    }

    /// In the upper right corner, or between the two halves' counts.
    fn place_clock(&mut self, widest: &str, is_in_middle: bool) {
        let size_px = self.size(CLOCK);
        let (margin, pad) = (self.px(MARGIN), self.px(SPACE));
        let digits = self.text.width_px(widest, size_px).ceil() as i32;
        let capitals = Text::cap_height_px(size_px).round() as i32;
        let width = digits + 2 * pad;
        let left = match is_in_middle {
            true => (self.width as i32 - width) / 2,
            false => self.width as i32 - margin - width,
        };
        let chip = Rect::new(left, self.top + margin, width, capitals + 2 * pad);
        self.layout.chips.push((chip, None));
        self.layout.digits = Some(PlacedText {
            text: String::new(),
            centre_x: left as f32 + width as f32 / 2.0,
            baseline: chip.y + pad + capitals,
            size_px,
            colour: PAPER,
        });
    }

    /// In the upper left corner: a star and the number.
    fn place_score(&mut self, score: u32) {
        let size_px = self.size(CLOCK);
        let (margin, pad) = (self.px(MARGIN), self.px(SPACE));
        let words = score.to_string();
        let digits = self.text.width_px(&words, size_px).ceil() as i32;
        let capitals = Text::cap_height_px(size_px).round() as i32;
        let width = capitals + pad + digits + 2 * pad;
        let chip = Rect::new(margin, self.top + margin, width, capitals + 2 * pad);
        self.layout.chips.push((chip, None));
        let half = capitals as f32 / 2.0;
        let centre = (
            (chip.x + pad) as f32 + half,
            (chip.y + pad) as f32 + half * 1.06,
        );
        self.layout.star = Some(star(centre, half * 1.06));
        self.layout.texts.push(PlacedText {
            text: words,
            centre_x: (chip.right() - pad) as f32 - digits as f32 / 2.0,
            baseline: chip.y + pad + capitals,
            size_px,
            colour: PAPER,
        });
    }

    /// Count and answer at the top of each half, and a line between the halves down to the stack.
    fn place_sides(&mut self, sides: &[BannerSide; 2], stack_top: i32) {
        let (count_px, answer_px) = (self.size(COUNT), self.size(ANSWER));
        let (margin, pad) = (self.px(MARGIN), self.px(SPACE));
        let half = self.width / 2.0;
        // The clock is in the middle.
        let room = half - self.unit * 0.14 - (2 * margin + 2 * pad) as f32;
        for (index, side) in sides.iter().enumerate() {
            let answer = self.text.balanced(&side.text, answer_px, room, LINES_MAX);
            let count = side.persons.to_string();
            let widths = answer
                .iter()
                .map(|line| self.text.width_px(line, answer_px));
            let widest = widths.fold(self.text.width_px(&count, count_px), f32::max);
            let width = widest.ceil() as i32 + 2 * pad;
            let left = match index {
                0 => margin,
                _ => self.width as i32 - margin - width,
            };
            let ground = side.is_chosen.then_some(ACCENT);
            let colour = ground.map_or(PAPER, style::readable_on);
            let centre_x = left as f32 + width as f32 / 2.0;
            let mut y = self.top + margin + pad;
            let lines = [(count, count_px)].into_iter();
            for (text, size_px) in lines.chain(answer.into_iter().map(|line| (line, answer_px))) {
                y += Text::cap_height_px(size_px).round() as i32;
                self.layout.texts.push(PlacedText {
                    text,
                    centre_x,
                    baseline: y,
                    size_px,
                    colour,
                });
                y += (size_px as f32 * DESCENT).round() as i32 + pad / 2;
            }
            let chip = Rect::new(left, self.top + margin, width, y - self.top - margin);
            self.layout.chips.push((chip, ground));
        }
        let line = self.px(0.008);
        // Below the clock.
        let clock = Text::cap_height_px(self.size(CLOCK)).round() as i32 + 2 * pad;
        let from = self.top + 2 * margin + clock;
        let to = (stack_top - margin).max(from);
        self.layout.divider = Some(Rect::new(half as i32 - line / 2, from, line, to - from));
    }
}

/// Whether the seconds stand in the place of the large word: in the few before something begins.
fn has_large_digits(banner: &GameBanner) -> bool {
    let is_short = banner.clock.is_some_and(|clock| clock.total <= URGENT);
    banner.big_word.is_none() && is_short
}

/// A star with five points.
fn star((x, y): (f32, f32), radius: f32) -> Vec<(f32, f32)> {
    let corner = |index: u8| {
        let angle = f32::from(index) * std::f32::consts::PI / 5.0;
        let radius = if index.is_multiple_of(2) {
            radius
        } else {
            radius * 0.45
        };
        (x + radius * angle.sin(), y - radius * angle.cos())
    };
    (0..10).map(corner).collect()
}
