//! ASCII: the picture seen through letters on a dark ground. The more ink a letter has, the brighter is its
//! place; the colours within a letter are the picture's, so that large letters still show a face.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use capture::I420;
use capture::canvas::{Canvas, Ink, Text};

use crate::builtin::filters::{blur, resize};
use crate::builtin::plane::{Colour, Grey, Plane, luma, saturate, white_noise};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "ascii",
    title: "ASCII letters",
    steps: 3,
    make,
};

/// Without descenders, which would be cut off, and without letters that are wider than a cell.
const LETTERS: &str = " .:-'\"~^+=<>*?!%#&$0123456789ABCDEFGHIJKLNOPRSTUVXYZabcdefhiknorstuvxz";

/// Height of a cell as share of a face, and its limits. On a phone, where a picture is a third as wide, the
/// smallest has letters of two millimetres.
const ROWS_OF_A_FACE: usize = 20;
const CELL_PX: usize = 22;
const CELL_MIN_PX: usize = 13;
/// Rows of letters of a small picture.
const ROWS_MIN: usize = 17;

/// Brightness of what is between the letters, relative to the picture.
const GROUND: f32 = 0.32;

/// Added to the brightness around, since noise has a high contrast in the dark.
const DARKEST: f32 = 0.15;

/// Letters whose ink differs less than this are exchanged for each other, so that even areas are text.
const VARIETY: f32 = 0.09;

/// Sides of the cell of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Cell {
    wide: usize,
    high: usize,
}

impl Cell {
    fn of(subject: &Subject) -> Self {
        let face = subject.faces.first();
        let high = face.map_or(CELL_PX, |face| face.height / ROWS_OF_A_FACE);
        let most = (subject.picture.height / ROWS_MIN).clamp(CELL_MIN_PX / 2, CELL_PX);
        let high = high.clamp(CELL_MIN_PX.min(most), most);
        Self {
            wide: (high * 3 / 5).max(1),
            high,
        }
    }
}

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (picture, features) = subject.with_clear_faces(stages)?;
    stages.advance()?;
    let cell = Cell::of(subject);
    let (columns, rows) = (picture.width / cell.wide, picture.height / cell.high);
    if columns == 0 || rows == 0 {
        stages.advance()?;
        stages.advance()?;
        return Ok(picture);
    }
    let letters = letters(cell);
    let chosen = chosen(&letters, &tones(&picture, &features, columns, rows)?);
    stages.advance()?;
    let picture = with_local_contrast(&picture, 0.9 * cell.high as f32)?;
    let made = Plane::of(columns * cell.wide, rows * cell.high, |x, y| {
        let letter = chosen[y / cell.high * columns + x / cell.wide];
        let ink = letters[letter].ink[y % cell.high * cell.wide + x % cell.wide];
        let colour = saturate(picture.pixels[y * picture.width + x], 1.35);
        colour.map(|level| {
            let bright = (1.08 * level.powf(0.75) + 0.04).min(1.0);
            level * GROUND + (bright - level * GROUND) * ink
        })
    });
    stages.advance()?;
    Ok(made)
}

/// The picture with more contrast between what is smaller than a letter, so that eyes are seen within letters.
fn with_local_contrast(picture: &Colour, around_px: f32) -> Result<Colour, StyleError> {
    let grey = picture.map(|colour| [luma(colour)]);
    let gain = grey.with(&blur(&grey, around_px)?, |[grey], [around]| {
        [(1.0 + (grey - around) / (around + DARKEST)).clamp(0.55, 1.7)]
    });
    Ok(picture.with(&gain, |colour, [gain]| {
        colour.map(|level| (level * gain).min(1.0))
    }))
}

/// How much ink each cell wants: the brightness with more local contrast, more of it for dark skin, and less
/// where a face has its eyes, brows and mouth.
fn tones(
    picture: &Colour,
    features: &Grey,
    columns: usize,
    rows: usize,
) -> Result<Grey, StyleError> {
    let grey = resize(&picture.map(|colour| [luma(colour)]), columns, rows)?;
    let features = resize(features, columns, rows)?;
    let around = blur(&grey, 2.0)?;
    let local = grey.with(&around, |[grey], [around]| {
        // Limited, so that a dark face before a bright wall keeps its letters.
        let local = (0.5 * (grey - around) / (around + DARKEST)).clamp(-0.12, 0.3);
        [0.3 + 0.65 * grey.max(0.0).powf(0.6) + local]
    });
    Ok(local.with(&features, |[tone], [feature]| {
        [(tone * (1.0 - 0.4 * feature)).clamp(0.0, 1.0)]
    }))
}

/// The letter of each cell.
fn chosen(letters: &[Letter], tones: &Grey) -> Vec<usize> {
    let most = letters.last().map_or(0.0, |letter| letter.amount);
    let dice = white_noise(tones.width, tones.height, 77);
    let pairs = tones.pixels.iter().zip(&dice.pixels);
    let one = |([tone], [dice]): (&[f32; 1], &[f32; 1])| {
        let wanted = tone * most + VARIETY * most * (2.0 * dice - 1.0);
        let after = letters.partition_point(|letter| letter.amount < wanted);
        let before = after.saturating_sub(1);
        let last = letters.len() - 1;
        if after > last {
            // All letters with much ink, not always the same.
            return last - (dice * 5.0) as usize % letters.len();
        }
        let is_closer = wanted - letters[before].amount < letters[after].amount - wanted;
        if is_closer { before } else { after }
    };
    pairs.map(one).collect()
}

/// A letter drawn in a cell.
struct Letter {
    /// From 0 to 1 for each pixel of the cell.
    ink: Vec<f32>,
    /// The mean of it.
    amount: f32,
}

/// All letters in cells of that size by the amount of ink, drawn once.
fn letters(cell: Cell) -> Arc<[Letter]> {
    static DRAWN: Mutex<Option<HashMap<Cell, Arc<[Letter]>>>> = Mutex::new(None);
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let drawn = drawn.get_or_insert_default().entry(cell);
    let letters = drawn.or_insert_with(|| {
        let mut text = Text::new();
        let draw = |letter| drawn_letter(&mut text, letter, cell);
        let mut letters: Vec<Letter> = LETTERS.chars().map(draw).collect();
        letters.sort_by(|one, two| one.amount.total_cmp(&two.amount));
        letters.into()
    });
    Arc::clone(letters)
}

fn drawn_letter(text: &mut Text, letter: char, Cell { wide, high }: Cell) -> Letter {
    let (even_wide, even_high) = (wide.next_multiple_of(2), high.next_multiple_of(2));
    let mut ink = vec![0.0; wide * high];
    // It fails for sizes that no cell has.
    if let Ok(mut picture) = I420::black(even_wide as u32, even_high as u32) {
        let size_px = (high as f32 * 1.14) as u32;
        let letter = letter.to_string();
        let x = (wide as f32 - text.width_px(&letter, size_px)) / 2.0;
        let baseline = (high as f32 * 0.92).round() as i32;
        let mut canvas = Canvas::new(&mut picture);
        text.draw(&mut canvas, (x, baseline), &letter, size_px, Ink::WHITE);
        let rows = picture.planes().y.chunks_exact(even_wide).take(high);
        let lumas = rows.flat_map(|row| &row[..wide]);
        for (ink, luma) in ink.iter_mut().zip(lumas) {
            *ink = (f32::from(luma.saturating_sub(16)) / 219.0).min(1.0);
        }
    }
    let amount = ink.iter().sum::<f32>() / ink.len() as f32;
    Letter { ink, amount }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Cell = Cell { wide: 9, high: 15 };

    #[test]
    fn brighter_places_have_more_ink_and_even_areas_are_text() {
        let letters = letters(CELL);
        assert!(letters[0].amount < f32::EPSILON, "the space");
        assert!(letters[letters.len() - 1].amount > 0.3);
        let ramp = Plane::of(40, 40, |x, _| [x as f32 / 39.0]);
        let chosen = chosen(&letters, &ramp);
        let mean = |column: usize| -> f32 {
            let cells = (0..40).map(|row| letters[chosen[row * 40 + column]].amount);
            cells.sum::<f32>() / 40.0
        };
        for column in [5, 15, 25, 35] {
            assert!(mean(column) > mean(column - 5), "{column}");
        }
        let mut column: Vec<usize> = (0..40).map(|row| chosen[row * 40 + 24]).collect();
        column.sort_unstable();
        column.dedup();
        assert!(column.len() >= 4, "one letter alone is no text: {column:?}");
    }

    #[test]
    fn a_letter_is_drawn_within_its_cell() {
        let mut text = Text::new();
        let drawn = drawn_letter(&mut text, 'H', CELL);
        let row = |y: usize| {
            drawn.ink[y * CELL.wide..(y + 1) * CELL.wide]
                .iter()
                .sum::<f32>()
        };
        assert!(row(0) < 0.1, "room above");
        assert!(row(CELL.high / 2) > 2.0, "its bar");
    }
}
