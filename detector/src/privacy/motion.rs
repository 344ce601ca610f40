//! What has moved since the last sighting: the difference of small luma planes.
//!
//! Noise is averaged away by the size of a cell. A change of brightness of the whole picture (exposure,
//! a lamp) is recognised by the median difference of all cells of a similar luma.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::I420;
use capture::canvas::Rect;

/// Cells across the longer side of a picture, at most.
const MOST_CELLS: u32 = 160;
/// The smallest cell in pixels, so that noise is averaged.
const LEAST_CELL_PX: u32 = 8;
/// Every second row is enough to average noise away, and takes half of the time.
const ROW_STEP: usize = 2;
/// Planes that are kept: more than half a second at 30 frames a second, longer than a detection takes
/// that is still near enough in time.
const KEPT: usize = 24;
/// A cell has moved when its mean luma differs by more than this. The mean of a cell of a noisy webcam
/// varies by 1 to 2.
const MOVED_LUMA: i32 = 6;
/// A common difference up to this is always a change of brightness; exposure controls stay below
/// between two detections.
const MOST_DRIFT: i32 = 12;
/// A larger one counts as such when this share of all cells agrees with it, and at least this share of
/// the contrast is left: something plain in front of the lens leaves none.
const AGREEING_SHARE: f32 = 0.85;
const CONTRAST_LEFT: f32 = 0.4;
/// Cells of similar luma are compared with each other, in this many bands.
const BANDS: usize = 8;
/// With fewer cells, the median of all cells counts for a band.
const LEAST_IN_BAND: u32 = 48;
/// How long an area stays hidden after it has moved: a person who comes in slowly has moved a little at
/// each frame, and is found by the detector only later.
const HELD_FOR: Duration = Duration::from_millis(600);
/// Cells of one tile count as one area.
const TILE: usize = 4;
/// Added around an area, in cells: the edges of what moved differ little from the ground.
const MARGIN_CELLS: i32 = 2;
/// More separate areas than this are the whole picture.
const MOST_AREAS: usize = 24;

/// Luma of one picture, the mean of each cell.
#[derive(Debug, Clone)]
struct SmallPlane {
    captured_at: Instant,
    cells: Vec<u8>,
}

/// The size of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    width: u32,
    height: u32,
    cell_px: u32,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn of(picture: &I420) -> Self {
        let (width, height) = (picture.width(), picture.height());
        let cell_px = width.max(height).div_ceil(MOST_CELLS).max(LEAST_CELL_PX);
        Self {
            width,
            height,
            cell_px,
            columns: width.div_ceil(cell_px) as usize,
            rows: height.div_ceil(cell_px) as usize,
        }
    }

    /// The cells that lie wholly inside `area`: columns and rows, first and one past the last.
    fn cells_inside(self, area: Rect) -> ((usize, usize), (usize, usize)) {
        let cell = self.cell_px as i32;
        let range = |start: i32, end: i32, side: u32, cells: usize| {
            let first = (start.max(0) as u32).div_ceil(self.cell_px) as usize;
            let is_last = end >= side as i32;
            let last = if is_last {
                cells
            } else {
                (end.max(0) / cell) as usize
            };
            (first.min(cells), last.min(cells))
        };
        (
            range(area.x, area.right(), self.width, self.columns),
            range(area.y, area.bottom(), self.height, self.rows),
        )
    }
}

/// Remembers small planes, and finds what moved.
#[derive(Debug)]
pub(super) struct Motion {
    grid: Option<Grid>,
    /// A ring; `newest` is the index of the last one written.
    planes: Vec<SmallPlane>,
    newest: usize,
    /// The plane of the frame that the last sighting belongs to.
    reference: Vec<u8>,
    has_reference: bool,
    /// For each cell, when it last moved without an explanation.
    moved_at: Vec<Option<Instant>>,
    /// For each cell, whether it lies in an area that is explained.
    explained: Vec<bool>,
    /// The sums of one row of cells.
    column_sums: Vec<u16>,
    /// For each tile, the moved cells: left, top, right, bottom; empty tiles have left > right.
    tiles: Vec<[i32; 4]>,
    pending: Vec<usize>,
}

impl Default for Motion {
    fn default() -> Self {
        Self {
            grid: None,
            planes: Vec::with_capacity(KEPT),
            newest: 0,
            reference: Vec::new(),
            has_reference: false,
            moved_at: Vec::new(),
            explained: Vec::new(),
            column_sums: Vec::new(),
            tiles: Vec::new(),
            pending: Vec::new(),
        }
    }
}

impl Motion {
    /// Forgets all pictures.
    pub(super) fn forget(&mut self) {
        self.planes.clear();
        self.has_reference = false;
        self.moved_at.fill(None);
    }

    /// Remembers a picture.
    pub(super) fn observe(&mut self, picture: &I420, captured_at: Instant) {
        let grid = Grid::of(picture);
        if self.grid != Some(grid) {
            self.forget();
            self.grid = Some(grid);
            self.moved_at = vec![None; grid.columns * grid.rows];
            self.explained = vec![false; grid.columns * grid.rows];
        }
        if self.planes.len() < KEPT {
            self.newest = self.planes.len();
            let cells = Vec::with_capacity(grid.columns * grid.rows);
            self.planes.push(SmallPlane { captured_at, cells });
        } else {
            self.newest = (self.newest + 1) % KEPT;
        }
        let plane = &mut self.planes[self.newest];
        plane.captured_at = captured_at;
        shrink(picture, grid, &mut self.column_sums, &mut plane.cells);
    }

    /// Compares with the frame of `captured_at` from now on. An earlier one is taken if that frame was not
    /// observed: what came in between counts as moved. `false` when there is none.
    pub(super) fn refer_to(&mut self, captured_at: Instant) -> bool {
        let earlier = self
            .planes
            .iter()
            .filter(|plane| plane.captured_at <= captured_at);
        let nearest = earlier.max_by_key(|plane| plane.captured_at);
        self.has_reference = nearest.is_some();
        if let Some(plane) = nearest {
            self.reference.clear();
            self.reference.extend_from_slice(&plane.cells);
        }
        self.has_reference
    }

    /// Whether there is a frame to compare with.
    pub(super) fn has_reference(&self) -> bool {
        self.has_reference
    }

    /// The areas of the newest picture that moved since the reference, or shortly before, and lie outside
    /// of all `explained` areas. `None`: more than can be told apart.
    pub(super) fn unexplained(&mut self, explained: &[Rect], areas: &mut Vec<Rect>) -> Option<()> {
        areas.clear();
        let grid = self.grid?;
        let plane = self.planes.get(self.newest)?;
        if plane.cells.len() != self.reference.len() {
            return None;
        }
        self.explained.fill(false);
        for area in explained {
            let ((left, right), (top, bottom)) = grid.cells_inside(*area);
            for row in self
                .explained
                .chunks_exact_mut(grid.columns)
                .take(bottom)
                .skip(top)
            {
                row[left.min(right)..right].fill(true);
            }
        }
        let now = plane.captured_at;
        let drift = Drift::between(&self.reference, &plane.cells);
        let cells = plane.cells.iter().zip(&self.reference);
        let marks = self.moved_at.iter_mut().zip(&self.explained);
        for ((value, before), (moved_at, explained)) in cells.zip(marks) {
            if *explained {
                *moved_at = None;
            } else if drift.has_moved(*before, *value) {
                *moved_at = Some(now);
            }
        }
        self.gather(grid, now);
        self.merge(grid, areas)
    }

    /// Notes the moved cells of each tile.
    fn gather(&mut self, grid: Grid, now: Instant) {
        const EMPTY: [i32; 4] = [i32::MAX, i32::MAX, i32::MIN, i32::MIN];
        let columns = grid.columns.div_ceil(TILE);
        self.tiles.clear();
        self.tiles.resize(columns * grid.rows.div_ceil(TILE), EMPTY);
        let is_held = |moved: Instant| now.saturating_duration_since(moved) <= HELD_FOR;
        for (y, row) in self.moved_at.chunks_exact(grid.columns).enumerate() {
            for (x, moved_at) in row.iter().enumerate() {
                if moved_at.is_some_and(is_held) {
                    let tile = &mut self.tiles[y / TILE * columns + x / TILE];
                    *tile = united(*tile, [x as i32, y as i32, x as i32 + 1, y as i32 + 1]);
                }
            }
        }
    }

    /// Joins neighbouring tiles to areas in pixels.
    fn merge(&mut self, grid: Grid, areas: &mut Vec<Rect>) -> Option<()> {
        let (columns, rows) = (grid.columns.div_ceil(TILE), grid.rows.div_ceil(TILE));
        for start in 0..self.tiles.len() {
            if is_empty(self.tiles[start]) {
                continue;
            }
            let (mut bounds, mut found) = (self.tiles[start], 0);
            self.pending.clear();
            self.pending.push(start);
            while let Some(at) = self.pending.pop() {
                let tile = std::mem::replace(&mut self.tiles[at], [1, 1, 0, 0]);
                if is_empty(tile) {
                    continue;
                }
                bounds = united(bounds, tile);
                found += 1;
                let (x, y) = (at % columns, at / columns);
                for y in y.saturating_sub(1)..(y + 2).min(rows) {
                    for x in x.saturating_sub(1)..(x + 2).min(columns) {
                        self.pending.push(y * columns + x);
                    }
                }
            }
            let [left, top, right, bottom] = bounds;
            // One cell alone is noise, and too small to recognise anybody.
            if found == 1 && right - left == 1 && bottom - top == 1 {
                continue;
            }
            if areas.len() == MOST_AREAS {
                return None;
            }
            let cell = grid.cell_px as i32;
            let area = Rect::new(
                left * cell,
                top * cell,
                (right - left) * cell,
                (bottom - top) * cell,
            );
            areas.push(area.inset(-MARGIN_CELLS * cell));
        }
        Some(())
    }
}

fn is_empty(tile: [i32; 4]) -> bool {
    tile[0] > tile[2]
}

fn united(a: [i32; 4], b: [i32; 4]) -> [i32; 4] {
    [
        a[0].min(b[0]),
        a[1].min(b[1]),
        a[2].max(b[2]),
        a[3].max(b[3]),
    ]
}

/// Fills `cells` with the mean luma of each cell.
fn shrink(picture: &I420, grid: Grid, column_sums: &mut Vec<u16>, cells: &mut Vec<u8>) {
    cells.clear();
    let (stride, cell) = (grid.width as usize, grid.cell_px as usize);
    let luma = picture.planes().y;
    // Sixteen bits hold the sum of 257 rows; the largest cell has 52, of which half count.
    for band in luma.chunks(stride * cell) {
        column_sums.clear();
        column_sums.resize(stride, 0);
        for line in band.chunks_exact(stride).step_by(ROW_STEP) {
            for (sum, sample) in column_sums.iter_mut().zip(line) {
                *sum += u16::from(*sample);
            }
        }
        let height = (band.len() / stride).div_ceil(ROW_STEP) as u32;
        cells.extend(column_sums.chunks(cell).map(|columns| {
            let sum: u32 = columns.iter().map(|sum| u32::from(*sum)).sum();
            (sum / (height * columns.len() as u32)) as u8
        }));
    }
}

/// Differences of two lumas, -255..=255.
const DIFFERENCES: usize = 511;

/// The change of brightness of the whole picture, by the luma before.
struct Drift {
    bands: [i32; BANDS],
}

impl Drift {
    fn between(before: &[u8], after: &[u8]) -> Self {
        let mut counts = [[0_u16; DIFFERENCES]; BANDS];
        for (before, after) in before.iter().zip(after) {
            let difference = usize::from(*after) + 255 - usize::from(*before);
            counts[band_of(*before)][difference] += 1;
        }
        let median = |count: &dyn Fn(usize) -> u32| {
            let total: u32 = (0..DIFFERENCES).map(count).sum();
            let mut passed = 0;
            let middle = (0..DIFFERENCES).find(|difference| {
                passed += count(*difference);
                2 * passed >= total
            });
            (total, middle.unwrap_or(255) as i32 - 255)
        };
        let of_all =
            |difference: usize| counts.iter().map(|band| u32::from(band[difference])).sum();
        let (_, overall) = median(&of_all);
        let mut drift = Self {
            bands: [overall; BANDS],
        };
        for (median_of, band) in drift.bands.iter_mut().zip(&counts) {
            let (total, middle) = median(&|difference| u32::from(band[difference]));
            if total >= LEAST_IN_BAND {
                *median_of = middle;
            }
        }
        let pairs = before.iter().zip(after);
        let agreeing = pairs.filter(|(before, after)| !drift.has_moved(**before, **after));
        let agrees = agreeing.count() as f32 >= AGREEING_SHARE * before.len() as f32;
        if !agrees || !drift.keeps_contrast(&counts) {
            // Not a change of brightness: something large came in front of the camera.
            for median in &mut drift.bands {
                if median.abs() > MOST_DRIFT {
                    *median = 0;
                }
            }
        }
        drift
    }

    /// Whether light and dark parts of the picture are still about as different.
    fn keeps_contrast(&self, counts: &[[u16; DIFFERENCES]; BANDS]) -> bool {
        let total = |band: &[u16]| band.iter().map(|count| u32::from(*count)).sum::<u32>();
        let mut bands = (0..BANDS).filter(|band| total(&counts[*band]) >= LEAST_IN_BAND);
        let (Some(darkest), Some(lightest)) = (bands.next(), bands.next_back()) else {
            return false;
        };
        let before = ((lightest - darkest) * 256 / BANDS) as f32;
        let after = before + (self.bands[lightest] - self.bands[darkest]) as f32;
        after >= CONTRAST_LEFT * before
    }

    fn has_moved(&self, before: u8, after: u8) -> bool {
        let expected = i32::from(before) + self.bands[band_of(before)];
        (i32::from(after) - expected.clamp(0, 255)).abs() > MOVED_LUMA
    }
}

fn band_of(luma: u8) -> usize {
    usize::from(luma) * BANDS / 256
}
