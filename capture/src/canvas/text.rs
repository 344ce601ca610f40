//! Text: one embedded font, whose glyphs are drawn once per size.
//!
//! Without shaping and right-to-left text, because all text is our own or the name of a class.
//! Characters that the font lacks become a question mark.

use std::borrow::Cow;
use std::collections::HashMap;

use ab_glyph::{Font, FontRef, PxScale, point};

use super::{Canvas, Ink, Mask};

/// Inter SemiBold; see `fonts/README.md`.
const FONT: &[u8] = include_bytes!("../../fonts/inter-semibold-latin.otf");
/// Glyphs are drawn at four positions within a pixel, so that small text has even gaps.
const PHASES: f32 = 4.0;
/// Far more than all characters at the sizes of one picture. When the cache is full, it is cleared.
const MOST_GLYPHS: usize = 4096;
/// Text up to this size gets wider letter spacing, as Inter's author recommends.
const SMALL_PX: u32 = 14;
const AIR: f32 = 0.015;

/// Draws and measures text. Sizes are em heights in pixels.
#[derive(Debug)]
pub struct Text {
    font: FontRef<'static>,
    glyphs: HashMap<(char, u32, u8), Glyph>,
}

#[derive(Debug, Default)]
struct Glyph {
    mask: Mask,
    left: i32,
    top: i32,
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Text {
    /// Has no glyphs yet; each is drawn when it is needed first.
    #[must_use]
    pub fn new() -> Self {
        let font = FontRef::try_from_slice(FONT).expect("embedded, and read by every test here");
        Self {
            font,
            glyphs: HashMap::new(),
        }
    }

    /// Height of a capital, and of a digit.
    #[must_use]
    pub fn cap_height_px(size_px: u32) -> f32 {
        // Inter's OS/2 table: sCapHeight 2048 of 2816.
        size_px as f32 * 0.727
    }

    /// The first character of the text that the font lacks.
    #[must_use]
    pub fn missing(&self, text: &str) -> Option<char> {
        printable(text).find(|sign| self.font.glyph_id(*sign).0 == 0)
    }

    /// How far the text reaches from its start.
    #[must_use]
    pub fn width_px(&self, text: &str, size_px: u32) -> f32 {
        printable(text)
            .map(|sign| self.advance_px(sign, size_px))
            .sum()
    }

    /// Draws text from `x` on the `baseline`. Returns the x at its end.
    pub fn draw(
        &mut self,
        canvas: &mut Canvas<'_>,
        (x, baseline): (f32, i32),
        text: &str,
        size_px: u32,
        ink: Ink,
    ) -> f32 {
        let mut x = x;
        for sign in printable(text) {
            let at = (x * PHASES).round() / PHASES;
            let phase = ((at - at.floor()) * PHASES) as u8;
            let glyph = self.glyph(sign, size_px, phase);
            let left = (at.floor() as i32).saturating_add(glyph.left);
            canvas.blend_mask(left, baseline.saturating_add(glyph.top), &glyph.mask, ink);
            x += self.advance_px(sign, size_px);
        }
        x
    }

    /// The text, or its beginning and an ellipsis, in at most `width_px`. Empty when the ellipsis does not
    /// fit.
    pub fn fitted<'a>(&self, text: &'a str, size_px: u32, width_px: f32) -> Cow<'a, str> {
        if self.width_px(text, size_px) <= width_px {
            return text.into();
        }
        let mut room = width_px - self.advance_px('…', size_px);
        if room < 0.0 {
            return "".into();
        }
        let fits = |sign: &char| {
            room -= self.advance_px(*sign, size_px);
            room >= 0.0
        };
        let kept: String = printable(text).take_while(fits).collect();
        format!("{}…", kept.trim_end()).into()
    }

    /// Wraps text into lines of at most `width_px`. The last line ends in an ellipsis when more follow.
    pub fn wrapped(
        &self,
        text: &str,
        size_px: u32,
        width_px: f32,
        most_lines: usize,
    ) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in paragraph.split_whitespace() {
                let longer = if line.is_empty() {
                    word.into()
                } else {
                    format!("{line} {word}")
                };
                if line.is_empty() || self.width_px(&longer, size_px) <= width_px {
                    line = longer;
                } else {
                    lines.push(std::mem::replace(&mut line, word.into()));
                }
            }
            lines.push(line);
        }
        if lines.len() > most_lines {
            lines.truncate(most_lines);
            if let Some(last) = lines.last_mut() {
                // `fitted` makes room for it.
                last.push('…');
            }
        }
        lines
            .iter()
            .map(|line| self.fitted(line, size_px, width_px).into_owned())
            .collect()
    }

    /// As [`Text::wrapped`], with lines of similar length, so that no word stands alone on the last line.
    pub fn balanced(
        &self,
        text: &str,
        size_px: u32,
        width_px: f32,
        most_lines: usize,
    ) -> Vec<String> {
        let widest = self.wrapped(text, size_px, width_px, most_lines);
        let mut best = widest.clone();
        for percent in (50..100).rev().step_by(5) {
            let narrower = width_px * percent as f32 / 100.0;
            let lines = self.wrapped(text, size_px, narrower, most_lines + 1);
            let whole = lines.iter().all(|line| !line.ends_with('…'));
            if lines.len() != widest.len() || !whole {
                break;
            }
            best = lines;
        }
        best
    }

    fn advance_px(&self, sign: char, size_px: u32) -> f32 {
        let units = self.font.units_per_em().unwrap_or(1.0);
        let id = self.font.glyph_id(self.known(sign));
        let air = if size_px <= SMALL_PX {
            AIR * size_px as f32
        } else {
            0.0
        };
        self.font.h_advance_unscaled(id) / units * size_px as f32 + air
    }

    fn known(&self, sign: char) -> char {
        if self.font.glyph_id(sign).0 == 0 {
            '?'
        } else {
            sign
        }
    }

    fn glyph(&mut self, sign: char, size_px: u32, phase: u8) -> &Glyph {
        if self.glyphs.len() >= MOST_GLYPHS {
            self.glyphs.clear();
        }
        let known = self.known(sign);
        let font = &self.font;
        let draw = || Glyph::of(font, known, size_px, f32::from(phase) / PHASES);
        self.glyphs
            .entry((sign, size_px, phase))
            .or_insert_with(draw)
    }
}

impl Glyph {
    fn of(font: &FontRef<'_>, sign: char, size_px: u32, offset_px: f32) -> Self {
        // ab_glyph's scale is the height from descender to ascender, ours is the em.
        let ems = font.height_unscaled() / font.units_per_em().unwrap_or(1.0);
        let scale = PxScale::from(size_px as f32 * ems);
        let placed = font
            .glyph_id(sign)
            .with_scale_and_position(scale, point(offset_px, 0.0));
        let Some(outline) = font.outline_glyph(placed) else {
            return Self::default();
        };
        let bounds = outline.px_bounds();
        let (width, height) = (bounds.width() as u32, bounds.height() as u32);
        let mut coverage = vec![0; width as usize * height as usize];
        outline.draw(|x, y, part| {
            if let Some(cell) = coverage.get_mut((y * width + x) as usize) {
                *cell = (part * 255.0).round() as u8;
            }
        });
        Self {
            mask: Mask {
                width,
                height,
                coverage,
            },
            left: bounds.min.x as i32,
            top: bounds.min.y as i32,
        }
    }
}

/// The text without control characters.
fn printable(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|sign| !sign.is_control())
}

#[cfg(test)]
mod tests {
    use crate::I420;

    use super::*;

    fn lit(picture: &I420) -> Vec<(u32, u32)> {
        let width = picture.width();
        let bright = picture
            .planes()
            .y
            .iter()
            .zip(0u32..)
            .filter(|&(&y, _)| y > 128);
        bright
            .map(|(_, index)| (index % width, index / width))
            .collect()
    }

    #[test]
    fn letters_of_european_languages_are_in_the_font() {
        let text = Text::new();
        assert_eq!(text.missing("Köln, Łódź, Çeşme, Győr, Århus, 5 €"), None);
        assert_eq!(text.missing("Fest 祭り"), Some('祭'));
        assert_eq!(
            text.missing("two\nlines"),
            None,
            "control characters are not drawn"
        );
    }

    fn drawn(text: &str, size_px: u32) -> Vec<(u32, u32)> {
        let mut picture = I420::black(400, 60).expect("even");
        let mut canvas = Canvas::new(&mut picture);
        Text::new().draw(&mut canvas, (10.0, 40), text, size_px, Ink::WHITE);
        lit(&picture)
    }

    #[test]
    fn letters_stand_on_the_baseline_at_their_height() {
        let lit = drawn("HI", 28);
        let (top, bottom) = (lit.iter().map(|p| p.1).min(), lit.iter().map(|p| p.1).max());
        assert_eq!(bottom, Some(39));
        assert_eq!(top, Some(40 - Text::cap_height_px(28).round() as u32));
        assert!(lit.iter().all(|p| p.0 >= 10));
    }

    #[test]
    fn the_width_is_what_is_drawn() {
        let text = Text::new();
        let right = drawn("stop sign 94%", 20)
            .iter()
            .map(|p| p.0)
            .max()
            .expect("some");
        let width = text.width_px("stop sign 94%", 20);
        assert!((10.0 + width - right as f32).abs() < 3.0, "{width} {right}");
        assert_eq!(
            text.width_px("11:11", 20),
            text.width_px("08:88", 20),
            "digits do not dance"
        );
        assert_eq!(text.width_px("", 20), 0.0);
    }

    #[test]
    fn umlauts_have_their_dots_and_the_unknown_a_question_mark() {
        assert!(drawn("ü", 28).len() > drawn("u", 28).len());
        assert_eq!(drawn("漢", 28), drawn("?", 28));
        assert_eq!(drawn("a\n\u{7}b", 28), drawn("ab", 28));
    }

    #[test]
    fn too_long_text_ends_in_an_ellipsis_that_fits() {
        let text = Text::new();
        let long = "a very long name of something rare";
        for width in [0.0, 5.0, 30.0, 100.0, 200.0] {
            let fitted = text.fitted(long, 16, width);
            assert!(text.width_px(&fitted, 16) <= width, "{width}: {fitted}");
            assert!(width < 30.0 || fitted.ends_with('…'), "{fitted}");
        }
        assert_eq!(text.fitted("dog", 16, 100.0), "dog");
    }

    #[test]
    fn words_are_wrapped_and_the_rest_is_hinted_at() {
        let text = Text::new();
        let long = "the camera was unplugged and carrier waits for it to come back";
        let lines = text.wrapped(long, 16, 160.0, 9);
        assert!(lines.len() > 2);
        assert_eq!(lines.join(" "), long);
        assert!(lines.iter().all(|line| text.width_px(line, 16) <= 160.0));
        let cut = text.wrapped(long, 16, 160.0, 2);
        assert_eq!(cut.len(), 2);
        assert!(cut[1].ends_with('…'), "{cut:?}");
        assert_eq!(text.wrapped("a\nb", 16, 160.0, 9), ["a", "b"]);
        let endless = text.wrapped(&"x".repeat(500), 16, 160.0, 3);
        assert!(endless.iter().all(|line| text.width_px(line, 16) <= 160.0));
        assert!(text.wrapped("", 16, 160.0, 3).is_empty());
        assert_eq!(text.wrapped("one two", 16, 70.0, 3), ["one two"]);
        let balanced = text.balanced("one two three four five", 16, 150.0, 3);
        assert_eq!(balanced, ["one two three", "four five"]);
    }

    #[test]
    fn text_outside_is_not_drawn() {
        let mut picture = I420::black(40, 20).expect("even");
        let mut canvas = Canvas::new(&mut picture);
        let mut text = Text::new();
        for x in [-1e9, -30.0, 35.0, 1e9, f32::NAN] {
            for baseline in [i32::MIN, -3, 4, 25, i32::MAX] {
                text.draw(&mut canvas, (x, baseline), "Ågy|", 24, Ink::WHITE);
            }
        }
    }
}
