//! Where pictures, texts and logo are on the paper. Pure.
//!
//! Lengths are in units of a hundredth of a picture's shorter side, until [`PaperLayout::enlarged`] makes pixels of
//! them: so a design looks the same at every size.

use capture::canvas::Text;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Strong,
    Soft,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextLine {
    pub(super) left: f64,
    pub(super) baseline: f64,
    /// Height of an em.
    pub(super) size: f64,
    pub(super) tone: Tone,
    pub(super) text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PaperLayout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// One for each shot.
    pub(super) pictures: Vec<Area>,
    pub(super) lines: Vec<TextLine>,
    pub(super) logo: Option<Area>,
}

/// What is written; empty texts are left out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inscription<'a> {
    pub(super) event: &'a str,
    pub(super) caption: &'a str,
    pub(super) date: &'a str,
    /// Width by height.
    pub(super) logo_aspect: Option<f64>,
}

impl Inscription<'_> {
    fn is_empty(&self) -> bool {
        let is_silent = [self.event, self.caption, self.date]
            .iter()
            .all(|text| text.is_empty());
        is_silent && self.logo_aspect.is_none()
    }

    /// Caption and date in one line.
    fn details(&self) -> String {
        let both = [self.caption, self.date]
            .into_iter()
            .filter(|text| !text.is_empty());
        both.collect::<Vec<_>>().join("  ·  ")
    }
}

/// The narrowest shape of a picture: narrower ones would make the texts unreadable.
const ASPECT_MIN: f64 = 0.25;
const ASPECT_MAX: f64 = 4.0;

const MARGIN: f64 = 5.0;
/// Below a single picture, as on an instant print.
const BAND: f64 = 19.0;
const EVENT: f64 = 6.8;
const EVENT_MIN: f64 = 4.0;
const DETAILS: f64 = 3.5;
const DETAILS_MIN: f64 = 2.7;
/// Between event and details: from the baseline to the top of the capitals.
const LEADING: f64 = 3.4;
const LOGO_HEIGHT: f64 = 11.0;
const LOGO_WIDTH: f64 = 34.0;
const LOGO_GAP: f64 = 4.0;

impl PaperLayout {
    /// A picture with an even margin and a band below it: texts at the left, the logo at the right.
    pub(super) fn single(aspect: f64, inscription: &Inscription<'_>) -> Self {
        let aspect = aspect.clamp(ASPECT_MIN, ASPECT_MAX);
        let picture = Area {
            left: MARGIN,
            top: MARGIN,
            width: 100.0 * aspect.max(1.0),
            height: 100.0 / aspect.min(1.0),
        };
        let band = if inscription.is_empty() { MARGIN } else { BAND };
        let middle = picture.bottom() + band / 2.0;
        let logo = inscription.logo_aspect.map(|aspect| {
            let (width, height) = within(aspect, LOGO_WIDTH, LOGO_HEIGHT);
            Area {
                left: picture.right() - width,
                top: middle - height / 2.0,
                width,
                height,
            }
        });
        let right = logo.map_or(picture.right(), |logo| logo.left - LOGO_GAP);
        Self {
            width: picture.width + 2.0 * MARGIN,
            height: picture.bottom() + band,
            pictures: vec![picture],
            lines: band_lines(inscription, picture.left, right, middle),
            logo,
        }
    }

    /// A picture alone.
    pub(super) fn bare(aspect: f64) -> Self {
        let mut layout = Self::single(aspect, &Inscription::default());
        let picture = &mut layout.pictures[0];
        (picture.left, picture.top) = (0.0, 0.0);
        (layout.width, layout.height) = (picture.width, picture.height);
        layout
    }

    /// The same design in pixels, the longer side as long as this.
    pub(super) fn enlarged(self, long_side_px: f64) -> Self {
        let by = long_side_px / self.width.max(self.height);
        let area = |area: Area| Area {
            left: area.left * by,
            top: area.top * by,
            width: area.width * by,
            height: area.height * by,
        };
        Self {
            width: self.width * by,
            height: self.height * by,
            pictures: self.pictures.into_iter().map(area).collect(),
            lines: self
                .lines
                .into_iter()
                .map(|line| TextLine {
                    left: line.left * by,
                    baseline: line.baseline * by,
                    size: line.size * by,
                    ..line
                })
                .collect(),
            logo: self.logo.map(area),
        }
    }
}

impl Area {
    pub(super) fn right(self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.top + self.height
    }
}

/// Event and details, one above the other, their block in the middle of the band.
fn band_lines(inscription: &Inscription<'_>, left: f64, right: f64, middle: f64) -> Vec<TextLine> {
    let measure = Measure::default();
    let room = right - left;
    let details = inscription.details();
    let texts = [
        (inscription.event, EVENT, EVENT_MIN, Tone::Strong),
        (&*details, DETAILS, DETAILS_MIN, Tone::Soft),
    ];
    let fitted: Vec<_> = texts
        .into_iter()
        .filter(|(text, ..)| !text.is_empty())
        .map(|(text, size, min, tone)| (measure.fitted(text, size, min, room), tone))
        .collect();
    let height: f64 = fitted.iter().map(|((size, _), _)| cap_height(*size)).sum();
    let gaps = LEADING * fitted.len().saturating_sub(1) as f64;
    let mut top = middle - (height + gaps) / 2.0;
    let line = |((size, text), tone)| {
        let baseline = top + cap_height(size);
        top = baseline + LEADING;
        TextLine {
            left,
            baseline,
            size,
            tone,
            text,
        }
    };
    fitted.into_iter().map(line).collect()
}

const STRIP_MARGIN: f64 = 7.0;
const STRIP_GAP: f64 = 4.0;
const STRIP_EVENT: f64 = 11.0;
const STRIP_EVENT_MIN: f64 = 6.0;
const STRIP_CAPTION: f64 = 5.4;
const STRIP_DATE: f64 = 5.0;
const STRIP_LINES: usize = 2;
/// Above and below the texts of a strip, and between different ones.
const STRIP_PAD: f64 = 9.0;
const STRIP_LEADING: f64 = 5.5;
/// Between lines of one text, in ems, from baseline to baseline.
const STRIP_LINE: f64 = 1.2;
const STRIP_LOGO_HEIGHT: f64 = 20.0;
const STRIP_LOGO_WIDTH: f64 = 60.0;

impl PaperLayout {
    /// Four shots, one below the other, and what is written in the middle below them.
    pub(super) fn strip(aspect: f64, inscription: &Inscription<'_>) -> Self {
        let aspect = aspect.clamp(ASPECT_MIN, ASPECT_MAX);
        let height = 100.0 / aspect;
        let shot = |index: usize| Area {
            left: STRIP_MARGIN,
            top: STRIP_MARGIN + index as f64 * (height + STRIP_GAP),
            width: 100.0,
            height,
        };
        let pictures: Vec<_> = (0..4).map(shot).collect();
        let mut footer = Footer {
            width: 100.0 + 2.0 * STRIP_MARGIN,
            bottom: pictures[3].bottom(),
            lines: Vec::new(),
            measure: Measure::default(),
            is_begun: false,
        };
        let logo = inscription.logo_aspect.map(|aspect| footer.logo(aspect));
        footer.text(
            inscription.event,
            STRIP_EVENT,
            STRIP_EVENT_MIN,
            Tone::Strong,
        );
        footer.text(
            inscription.caption,
            STRIP_CAPTION,
            STRIP_CAPTION,
            Tone::Soft,
        );
        footer.text(inscription.date, STRIP_DATE, STRIP_DATE, Tone::Soft);
        let below = if footer.is_begun {
            STRIP_PAD
        } else {
            STRIP_MARGIN
        };
        Self {
            width: footer.width,
            height: footer.bottom + below,
            pictures,
            lines: footer.lines,
            logo,
        }
    }
}

/// What is written below a strip, from top to bottom.
struct Footer {
    width: f64,
    /// Of what was placed last.
    bottom: f64,
    lines: Vec<TextLine>,
    measure: Measure,
    is_begun: bool,
}

impl Footer {
    /// Where the next thing begins.
    fn next_top(&mut self) -> f64 {
        let gap = if self.is_begun {
            STRIP_LEADING
        } else {
            STRIP_PAD
        };
        self.is_begun = true;
        self.bottom + gap
    }

    fn logo(&mut self, aspect: f64) -> Area {
        let (width, height) = within(aspect, STRIP_LOGO_WIDTH, STRIP_LOGO_HEIGHT);
        let area = Area {
            left: (self.width - width) / 2.0,
            top: self.next_top(),
            width,
            height,
        };
        self.bottom = area.bottom();
        area
    }

    /// In as many lines as it needs, at most two; smaller, if a word does not fit.
    fn text(&mut self, text: &str, size: f64, size_min: f64, tone: Tone) {
        if text.is_empty() {
            return;
        }
        let room = self.width - 2.0 * STRIP_MARGIN;
        let (size, lines) = self.measure.wrapped(text, size, size_min, room);
        let mut baseline = self.next_top() + cap_height(size);
        for text in lines {
            self.bottom = baseline;
            self.lines.push(TextLine {
                left: (self.width - self.measure.width(&text, size)) / 2.0,
                baseline,
                size,
                tone,
                text,
            });
            baseline += size * STRIP_LINE;
        }
    }
}

/// The largest size with this aspect ratio within these sides.
fn within(aspect: f64, width: f64, height: f64) -> (f64, f64) {
    if aspect * height > width {
        (width, width / aspect)
    } else {
        (aspect * height, height)
    }
}

fn cap_height(size: f64) -> f64 {
    size * f64::from(Text::cap_height_px(1000)) / 1000.0
}

/// Measures texts in units. Widths are proportional to the size.
#[derive(Default)]
struct Measure(Text);

/// Pixels of a unit while measuring.
const PX: f64 = 20.0;
/// How much smaller each attempt is.
const SHRINK: f64 = 0.95;

impl Measure {
    fn width(&self, text: &str, size: f64) -> f64 {
        f64::from(self.0.width_px(text, 1000)) / 1000.0 * size
    }

    /// The text in one line, as large as it fits; shortened, if it does not at the smallest size.
    fn fitted(&self, text: &str, size: f64, size_min: f64, room: f64) -> (f64, String) {
        let fits = size * room / self.width(text, size).max(f64::MIN_POSITIVE);
        let size = fits.clamp(size_min, size);
        // Slightly more room, because sizes in pixels are rounded.
        let shown = self
            .0
            .fitted(text, (size * PX).round() as u32, (room * PX * 1.005) as f32);
        (size, shown.into_owned())
    }

    /// The text in balanced lines, smaller while not all of it fits.
    fn wrapped(&self, text: &str, size: f64, size_min: f64, room: f64) -> (f64, Vec<String>) {
        let mut size = size;
        loop {
            let (size_px, room_px) = ((size * PX).round() as u32, (room * PX) as f32);
            let lines = self.0.balanced(text, size_px, room_px, STRIP_LINES);
            let is_whole = lines
                .join(" ")
                .chars()
                .filter(|c| !c.is_whitespace())
                .count()
                == text.chars().filter(|c| !c.is_whitespace()).count()
                && !lines
                    .iter()
                    .any(|line| line.ends_with('…') && !text.ends_with('…'));
            if is_whole || size <= size_min {
                return (size, lines);
            }
            size = (size * SHRINK).max(size_min);
        }
    }
}

#[cfg(test)]
mod tests;
