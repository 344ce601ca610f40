//! Stained glass: pieces of one colour in lead, and faces painted on them as glaziers do.

use crate::builtin::cartoon::outlines;
use crate::builtin::edges::{Pen, gradient};
use crate::builtin::filters::{blur, edge_preserving, from_lab, to_lab};
use crate::builtin::plane::{Colour, Grey, Plane, fractal_noise, luma, mix, smoothstep};
use crate::builtin::scatter::scatter;
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::{BuiltinStyle, WORK_PX};
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "stained-glass",
    title: "Stained glass",
    steps: 4,
    make,
};

const PIECES: usize = 520;
const LEAD: [f32; 3] = [0.05, 0.05, 0.06];
/// Vitreous paint, which burns brown.
const PAINT: [f32; 3] = [0.16, 0.09, 0.06];
const BRUSH: [Pen; 2] = [
    Pen {
        sigma_px: 1.4,
        floor: 0.010,
        gain: 40.0,
    },
    Pen {
        sigma_px: 3.2,
        floor: 0.026,
        gain: 28.0,
    },
];

/// How many steps of lightness or colour weigh as much as the distance between two pieces.
const COLOUR_STEPS: f32 = 22.0;

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (width, height) = (subject.picture.width, subject.picture.height);
    let flat = edge_preserving(&subject.picture, 24.0, 0.24)?;
    // Texture would fray the seams.
    let lab = to_lab(&blur(&flat, 2.0)?)?;
    stages.advance()?;
    let faces = subject.face_cover();
    let pieces = Pieces::of(&lab, &flat, &faces)?;
    let glass = from_lab(&pieces.colours(&lab))?;
    stages.advance()?;
    // Lines on faces, and their skin in four tones; nothing on the rest.
    let painted: Plane<4> = subject.paint(stages, |part, _| {
        if !part.is_face() {
            return Ok(part.picture.map(|_| [0.0, 0.0, 0.0, 1.0]));
        }
        let lines = outlines(part, BRUSH, 2.5)?;
        let smooth = to_lab(&edge_preserving(part.picture, 8.0, 0.14)?)?;
        let tones = part.with_skin(&smooth, [4.0, 1.35], |[light, a, b]| {
            [light, a * 1.35, b * 1.35]
        });
        let tones = from_lab(&tones)?;
        let tones = part.with_features(tones, part.picture, 0.5);
        Ok(tones.with(&lines, |[red, green, blue], [line]| {
            [red, green, blue, line]
        }))
    })?;
    stages.advance()?;
    let lead = pieces.lead(&faces)?;
    let rim = blur(&lead, 7.0)?;
    let uneven = fractal_noise(width, height, 90, 4, 23);
    let made = Plane::of(width, height, |x, y| {
        let at = y * width + x;
        let ([face], [red, green, blue, line]) = (faces.pixels[at], painted.pixels[at]);
        let colour = mix(glass.pixels[at], [red, green, blue], 0.85 * face);
        let light = 1.06 + 0.28 * uneven.pixels[at][0] * (1.0 - 0.7 * face);
        let colour =
            colour.map(|level| (level * (light - 0.35 * rim.pixels[at][0])).clamp(0.0, 1.0));
        let brushed = mix(colour, PAINT, 0.85 * (1.0 - line.clamp(0.0, 1.0)) * face);
        mix(brushed, LEAD, lead.pixels[at][0])
    });
    stages.advance()?;
    Ok(made)
}

/// The piece that each pixel belongs to.
struct Pieces {
    width: usize,
    count: usize,
    of_pixels: Vec<u32>,
}

impl Pieces {
    /// Each pixel belongs to the seed that is nearest in place and colour (after Achanta et al., "SLIC
    /// Superpixels", 2012, with one round).
    fn of(lab: &Colour, flat: &Colour, faces: &Grey) -> Result<Self, StyleError> {
        let (width, height) = (lab.width, lab.height);
        let grey = blur(&flat.map(|colour| [luma(colour)]), 2.0)?;
        let edges = gradient(&grey).map(|[gx, gy]| [gx.hypot(gy).min(0.4)]);
        // Detail gets smaller pieces, and so does hair; a face larger ones, since its lines are painted.
        let near = blur(&edges, 24.0)?;
        let sum: f32 = near.pixels.iter().map(|[edge]| edge).sum();
        let mean = (sum / near.pixels.len() as f32).max(1e-4);
        let around = blur(faces, 36.0)?.with(faces, |[near], [face]| [6.0 * near * (1.0 - face)]);
        let density = near.with(faces, |[edge], [face]| {
            [0.6 + (edge / mean).min(4.0) * (1.0 - face)]
        });
        let density = density.with(&around, |[one], [two]| [one + two]);
        // A small picture, as of a preview, has fewer pieces, since their seams are as wide.
        let share = (width * height) as f64 / WORK_PX;
        let pieces = (PIECES as f64 * share.clamp(0.25, 1.0)).round() as usize;
        let seeds = scatter(&density, pieces);
        let spacing_px = ((width * height) as f32 / seeds.len().max(1) as f32).sqrt();
        let grid = Grid::of(&seeds, spacing_px, width, height);
        let weight = (spacing_px / COLOUR_STEPS).powi(2);
        let mut of_pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let colour = lab.pixels[y * width + x];
                let distance = |seed: &u32| {
                    let [sx, sy] = seeds[*seed as usize];
                    let other = lab.pixels[sy as usize * width + sx as usize];
                    let off: f32 = (0..3).map(|n| (colour[n] - other[n]).powi(2)).sum();
                    (x as f32 - sx).powi(2) + (y as f32 - sy).powi(2) + weight * off
                };
                let mut nearest = (0, f32::INFINITY);
                for seed in grid.near(x, y) {
                    let off = distance(seed);
                    if off < nearest.1 {
                        nearest = (*seed, off);
                    }
                }
                of_pixels.push(nearest.0);
            }
        }
        Ok(Self {
            width,
            count: seeds.len().max(1),
            of_pixels,
        })
    }

    /// The mean colour of each piece, stronger, as light that falls through.
    fn colours(&self, lab: &Colour) -> Colour {
        let mut sums = vec![[0.0_f32; 4]; self.count];
        for (piece, [light, a, b]) in self.of_pixels.iter().zip(&lab.pixels) {
            let sum = &mut sums[*piece as usize];
            for (sum, level) in sum.iter_mut().zip([light, a, b, &1.0]) {
                *sum += level;
            }
        }
        let colours: Vec<[f32; 3]> = sums
            .iter()
            .map(|[light, a, b, count]| {
                let mean = |sum: &f32| sum / count.max(1.0);
                [mean(light) * 0.92 + 8.0, mean(a) * 1.9, mean(b) * 1.9]
            })
            .collect();
        let pixels = self.of_pixels.iter();
        Plane {
            width: lab.width,
            height: lab.height,
            pixels: pixels.map(|piece| colours[*piece as usize]).collect(),
        }
    }

    /// Lead between the pieces, thinner within faces.
    fn lead(&self, faces: &Grey) -> Result<Grey, StyleError> {
        let (width, height) = (self.width, self.of_pixels.len() / self.width);
        let seams = Plane::of(width, height, |x, y| {
            let at = y * width + x;
            let piece = self.of_pixels[at];
            let is_other = |at: usize| self.of_pixels[at] != piece;
            let is_seam =
                (x + 1 < width && is_other(at + 1)) || (y + 1 < height && is_other(at + width));
            [f32::from(u8::from(is_seam))]
        });
        Ok(blur(&seams, 2.2)?.with(faces, |[near], [face]| {
            let from = 0.10 + 0.6 * face;
            [smoothstep(from, from + 0.10, near)]
        }))
    }
}

/// Seeds by place.
struct Grid {
    columns: usize,
    rows: usize,
    cell_px: f32,
    seeds: Vec<Vec<u32>>,
}

impl Grid {
    fn of(points: &[[f32; 2]], spacing_px: f32, width: usize, height: usize) -> Self {
        let cell_px = (spacing_px * 1.4).max(4.0);
        let cells = |side: usize| (side as f32 / cell_px) as usize + 1;
        let (columns, rows) = (cells(width), cells(height));
        let mut seeds = vec![Vec::new(); columns * rows];
        for (number, [x, y]) in points.iter().enumerate() {
            let cell = (y / cell_px) as usize * columns + (x / cell_px) as usize;
            seeds[cell].push(number as u32);
        }
        Self {
            columns,
            rows,
            cell_px,
            seeds,
        }
    }

    /// The seeds of the cells around a pixel; there are some within two of them.
    fn near(&self, x: usize, y: usize) -> impl Iterator<Item = &u32> {
        let around = |at: usize, cells: usize| {
            let cell = (at as f32 / self.cell_px) as usize;
            cell.saturating_sub(2)..(cell + 3).min(cells)
        };
        let (columns, rows) = (around(x, self.columns), around(y, self.rows));
        rows.flat_map(move |row| {
            let cells = columns.clone();
            cells.flat_map(move |column| &self.seeds[row * self.columns + column])
        })
    }
}
