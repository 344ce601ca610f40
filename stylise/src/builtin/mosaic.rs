//! Mosaic: the picture laid of small pictures of the gallery, large ones where it is even and small ones
//! where it has detail.

use crate::builtin::filters::{blur, resize};
use crate::builtin::plane::{Colour, Grey, Plane, luma, saturate, white_noise};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::{BuiltinStyle, WORK_PX};
use crate::builtin::subject::Subject;
use crate::builtin::thumbnails::SIDE_PX;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "mosaic",
    title: "Gallery mosaic",
    steps: 3,
    make,
};

/// With fewer pictures, the same one is everywhere.
pub(super) const PICTURES_MIN: usize = 12;

/// Side of the largest tiles in a picture of 720p, and of those in any picture. Each may be split twice.
const TILE_PX: f32 = 40.0;
pub(super) const TILE_MIN_PX: usize = 16;
const SPLITS: u32 = 2;
/// A tile is split where its brightness varies more than this, and sooner on faces.
const EVEN: f32 = 0.085;
const EVEN_ON_FACES: f32 = 0.03;

/// How much of a tile's own contrast is seen, and how much of the picture through it: beside faces, and on
/// them.
const OWN_CONTRAST: [f32; 2] = [0.62, 0.3];
const SEEN_THROUGH: [f32; 2] = [0.3, 0.72];
/// Brightness of the edge of a tile.
const JOINT: f32 = 0.82;

/// Places of a tile where its colour is compared with the picture's: as many across and down.
const PROBES: usize = 3;
type Probes = [[f32; 3]; PROBES * PROBES];

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (picture, features) = subject.with_clear_faces(stages)?;
    let tiles: Vec<Tile> = subject
        .thumbnails
        .iter()
        .map(|one| Tile::of(one.picture()))
        .collect::<Result<_, _>>()?;
    if tiles.len() < PICTURES_MIN {
        let why = "too few pictures are in the gallery now";
        return Err(StyleError::Failed(why.to_owned()));
    }
    stages.advance()?;
    let faces = subject.face_cover();
    let side = largest_side(&picture);
    let (width, height) = (picture.width / side * side, picture.height / side * side);
    if width == 0 || height == 0 {
        stages.advance()?;
        stages.advance()?;
        return Ok(picture);
    }
    let picture = picture
        .cropped(0, 0, width, height)
        .map(|colour| saturate(colour, 1.2));
    let grey = picture.map(|colour| [luma(colour)]);
    let detail = detail(&grey, &features, &faces);
    let mut squares = Vec::new();
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            split(&detail, Square { left, top, side }, SPLITS, &mut squares);
        }
    }
    stages.advance()?;
    let base = blur(&picture, side as f32 / 8.0)?;
    let mut made = picture.clone();
    let mut used = Used::new(width, height, side, tiles.len());
    for square in squares {
        stages.check()?;
        let wanted = probes(&picture, square);
        let tile = used.choose(&tiles, &wanted, square);
        lay(&mut made, &tiles[tile], square, [&picture, &base], &faces);
    }
    stages.advance()?;
    Ok(made)
}

/// A tile's side divides into halves as often as it may be split.
fn largest_side(picture: &Colour) -> usize {
    let scale = ((picture.width * picture.height) as f32 / WORK_PX as f32).sqrt();
    let step = 2_usize.pow(SPLITS);
    let side = (TILE_PX * scale / step as f32).round() as usize * step;
    side.max(TILE_MIN_PX)
}

/// A square of the picture.
#[derive(Debug, Clone, Copy)]
struct Square {
    left: usize,
    top: usize,
    side: usize,
}

/// Brightness, its square, and how soon a tile is split there.
fn detail(grey: &Grey, features: &Grey, faces: &Grey) -> Plane<3> {
    let width = features.width;
    Plane::of(grey.width, grey.height, |x, y| {
        let [level] = grey.pixels[y * grey.width + x];
        let at = y * width + x;
        let ([feature], [face]) = (features.pixels[at], faces.pixels[at]);
        let even = EVEN + (EVEN_ON_FACES - EVEN) * face.max(feature);
        [level, level * level, even]
    })
}

fn split(detail: &Plane<3>, square: Square, splits: u32, squares: &mut Vec<Square>) {
    let Square { left, top, side } = square;
    let mut sums = [0.0_f64; 3];
    for row in detail
        .pixels
        .chunks_exact(detail.width)
        .skip(top)
        .take(side)
    {
        for pixel in &row[left..left + side] {
            for (sum, level) in sums.iter_mut().zip(pixel) {
                *sum += f64::from(*level);
            }
        }
    }
    let [mean, square_mean, even] = sums.map(|sum| sum / (side * side) as f64);
    let deviation = (square_mean - mean * mean).max(0.0).sqrt();
    if splits == 0 || deviation < even {
        squares.push(square);
        return;
    }
    let side = side / 2;
    for (right, down) in [(0, 0), (side, 0), (0, side), (side, side)] {
        let part = Square {
            left: left + right,
            top: top + down,
            side,
        };
        split(detail, part, splits - 1, squares);
    }
}

/// A picture of the gallery.
struct Tile {
    picture: Colour,
    /// Its colours and their mean.
    probes: Probes,
    mean: [f32; 3],
}

impl Tile {
    fn of(picture: Colour) -> Result<Self, StyleError> {
        let small = resize(&picture, PROBES, PROBES)?;
        let mut probes = [[0.0; 3]; PROBES * PROBES];
        probes.copy_from_slice(&small.pixels);
        let [mean] = resize(&picture, 1, 1)?.pixels[..] else {
            return Err(StyleError::Failed("a tile has no colour".to_owned()));
        };
        Ok(Self {
            picture,
            probes,
            mean,
        })
    }
}

/// The picture's colours in a square.
fn probes(picture: &Colour, square: Square) -> Probes {
    std::array::from_fn(|n| {
        let part = |at: usize| ((2 * at + 1) * square.side) / (2 * PROBES);
        let (x, y) = (
            square.left + part(n % PROBES),
            square.top + part(n / PROBES),
        );
        picture.pixels[y * picture.width + x]
    })
}

/// How often tiles were laid, and which ones lie where.
struct Used {
    counts: Vec<u32>,
    /// Side of the smallest squares, and how many are in a row.
    step: usize,
    columns: usize,
    /// For each of them the tile; `usize::MAX` where none lies yet.
    laid: Vec<usize>,
    dice: Grey,
}

impl Used {
    fn new(width: usize, height: usize, side: usize, tiles: usize) -> Self {
        let step = side / 2_usize.pow(SPLITS);
        let (columns, rows) = (width / step, height / step);
        Self {
            counts: vec![0; tiles],
            step,
            columns,
            laid: vec![usize::MAX; columns * rows],
            dice: white_noise(columns, rows, 93),
        }
    }

    /// The tile that is most like the picture there, has not been laid often, and is not its own neighbour.
    fn choose(&mut self, tiles: &[Tile], wanted: &Probes, square: Square) -> usize {
        let (column, row) = (square.left / self.step, square.top / self.step);
        let at = row * self.columns + column;
        let neighbour = |is_there: bool, back: usize| {
            let place = at.checked_sub(back).filter(|_| is_there);
            place.map_or(usize::MAX, |place| self.laid[place])
        };
        let neighbours = [
            neighbour(column > 0, 1),
            neighbour(row > 0, self.columns),
            neighbour(row > 0 && column > 0, self.columns + 1),
        ];
        let laid: u32 = self.counts.iter().sum();
        let fair = (laid / tiles.len() as u32).max(1) as f32;
        let [dice] = self.dice.pixels[at];
        let cost = |number: usize| {
            let tile = &tiles[number];
            let off: f32 = tile
                .probes
                .iter()
                .zip(wanted)
                .map(|(one, two)| (0..3).map(|n| (one[n] - two[n]).powi(2)).sum::<f32>())
                .sum();
            let often = 0.25 * self.counts[number] as f32 / fair;
            let again = if neighbours.contains(&number) {
                4.0
            } else {
                0.0
            };
            let turn = (number as f32 * 0.618 + dice).fract();
            off / 9.0 + often * 0.35 + again + 0.05 * turn
        };
        let best = (0..tiles.len()).min_by(|one, two| cost(*one).total_cmp(&cost(*two)));
        let best = best.unwrap_or(0);
        self.counts[best] += 1;
        let cells = square.side / self.step;
        for y in row..row + cells {
            let start = y * self.columns + column;
            self.laid[start..start + cells].fill(best);
        }
        best
    }
}

/// Lays a tile: its own contrast around the picture's colour.
fn lay(
    made: &mut Colour,
    tile: &Tile,
    square: Square,
    [picture, base]: [&Colour; 2],
    faces: &Grey,
) {
    let scale = SIDE_PX as f32 / square.side as f32;
    let last = square.side - 1;
    for y in 0..square.side {
        for x in 0..square.side {
            let at = (square.top + y) * made.width + square.left + x;
            let [face] = faces.pixels[(square.top + y) * faces.width + square.left + x];
            let between = |[beside, on]: [f32; 2]| beside + (on - beside) * face;
            let (contrast, through) = (between(OWN_CONTRAST), between(SEEN_THROUGH));
            let own = tile.picture.sample(
                (x as f32 + 0.5) * scale - 0.5,
                (y as f32 + 0.5) * scale - 0.5,
            );
            let is_edge = x == 0 || y == 0 || x == last || y == last;
            let joint = if is_edge {
                JOINT + (1.0 - JOINT) * 0.6 * face
            } else {
                1.0
            };
            let (fine, soft) = (picture.pixels[at], base.pixels[at]);
            made.pixels[at] = std::array::from_fn(|n| {
                let target = soft[n] + through * (fine[n] - soft[n]);
                ((target + contrast * (own[n] - tile.mean[n])) * joint).clamp(0.0, 1.0)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::builtin::thumbnails::Thumbnail;
    use crate::intake::raster::Raster;
    use crate::intake::tests::samples;

    fn flat(colour: [u8; 3]) -> Arc<Thumbnail> {
        let raster = Raster {
            width_px: 64,
            height_px: 64,
            rgb: colour.repeat(64 * 64),
        };
        Arc::new(Thumbnail::of(&samples::jpeg(&raster, 95)).expect("a thumbnail"))
    }

    fn subject() -> Subject {
        let picture = Plane::of(160, 96, |x, y| {
            let noise = if x > 80 && (x / 3 + y / 3) % 2 == 0 {
                0.4
            } else {
                0.0
            };
            [0.5 + noise; 3]
        });
        Subject::without_people(picture)
    }

    #[test]
    fn tiles_are_small_where_there_is_detail_and_neighbours_differ() {
        let Subject { picture, .. } = subject();
        let grey = picture.map(|colour| [luma(colour)]);
        let none = grey.map(|_| [0.0]);
        let detail = detail(&grey, &none, &none);
        let parts = |left| {
            let mut squares = Vec::new();
            split(
                &detail,
                Square {
                    left,
                    top: 32,
                    side: 16,
                },
                SPLITS,
                &mut squares,
            );
            squares.len()
        };
        assert_eq!((parts(0), parts(112)), (1, 16));
        let tiles: Vec<_> = [[200, 40, 40], [40, 40, 200]]
            .map(|colour| Tile::of(flat(colour).picture()).expect("a tile"))
            .into();
        let mut used = Used::new(160, 96, 16, 2);
        let red = [[0.8, 0.2, 0.2]; PROBES * PROBES];
        let square = |left| Square {
            left,
            top: 0,
            side: 16,
        };
        let laid = [0, 16, 32].map(|left| used.choose(&tiles, &red, square(left)));
        assert_eq!(laid, [0, 1, 0]);
    }

    #[test]
    fn too_few_pictures_are_said() {
        let few = vec![flat([10, 200, 30]); PICTURES_MIN - 1];
        let made = make(&subject().with_thumbnails(few), &Stages::default());
        assert!(matches!(made, Err(StyleError::Failed(why)) if why.contains("too few")));
        let enough = vec![flat([10, 200, 30]); PICTURES_MIN];
        assert!(make(&subject().with_thumbnails(enough), &Stages::default()).is_ok());
    }
}
