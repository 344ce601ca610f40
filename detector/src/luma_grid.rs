//! A small luma plane of a picture, the mean of each cell of a grid, and which cells of two such planes differ.
//!
//! Noise is averaged away by the size of a cell. A change of brightness of the whole picture (exposure,
//! a lamp) is recognised by the median difference of all cells of a similar luma.

use capture::I420;
use capture::canvas::Rect;

/// The smallest cell in pixels, so that noise is averaged.
const LEAST_CELL_PX: u32 = 8;
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

/// The size of a grid over pictures of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LumaGrid {
    width: u32,
    height: u32,
    pub(crate) cell_px: u32,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// One in so many rows of pixels is read.
    row_step: u32,
}

impl LumaGrid {
    /// At most `most_cells` across the longer side; one in `row_step` rows of pixels counts.
    pub(crate) fn of(picture: &I420, most_cells: u32, row_step: u32) -> Self {
        let (width, height) = (picture.width(), picture.height());
        let cell_px = width.max(height).div_ceil(most_cells).max(LEAST_CELL_PX);
        Self {
            width,
            height,
            cell_px,
            columns: width.div_ceil(cell_px) as usize,
            rows: height.div_ceil(cell_px) as usize,
            row_step,
        }
    }

    pub(crate) fn cells(self) -> usize {
        self.columns * self.rows
    }

    /// The cells that lie wholly inside `area`: columns and rows, first and one past the last.
    pub(crate) fn cells_inside(self, area: Rect) -> ((usize, usize), (usize, usize)) {
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

    /// Fills `cells` with the mean luma of each cell.
    pub(crate) fn shrink(self, picture: &I420, column_sums: &mut Vec<u16>, cells: &mut Vec<u8>) {
        cells.clear();
        let (stride, cell) = (self.width as usize, self.cell_px as usize);
        let luma = picture.planes().y;
        let row_step = self.row_step as usize;
        // Sixteen bits hold the sum of 257 rows; the largest cell of either user has 52 or 103, of which a half or a
        // quarter count.
        for band in luma.chunks(stride * cell) {
            column_sums.clear();
            column_sums.resize(stride, 0);
            for line in band.chunks_exact(stride).step_by(row_step) {
                for (sum, sample) in column_sums.iter_mut().zip(line) {
                    *sum += u16::from(*sample);
                }
            }
            let height = (band.len() / stride).div_ceil(row_step) as u32;
            cells.extend(column_sums.chunks(cell).map(|columns| {
                let sum: u32 = columns.iter().map(|sum| u32::from(*sum)).sum();
                (sum / (height * columns.len() as u32)) as u8
            }));
        }
    }
}

/// Differences of two lumas, -255..=255.
const DIFFERENCES: usize = 511;

/// The change of brightness of the whole picture, by the luma before.
pub(crate) struct BrightnessChange {
    bands: [i32; BANDS],
}

impl BrightnessChange {
    pub(crate) fn between(before: &[u8], after: &[u8]) -> Self {
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
        let mut change = Self {
            bands: [overall; BANDS],
        };
        for (median_of, band) in change.bands.iter_mut().zip(&counts) {
            let (total, middle) = median(&|difference| u32::from(band[difference]));
            if total >= LEAST_IN_BAND {
                *median_of = middle;
            }
        }
        let pairs = before.iter().zip(after);
        let agreeing = pairs.filter(|(before, after)| !change.has_moved(**before, **after));
        let agrees = agreeing.count() as f32 >= AGREEING_SHARE * before.len() as f32;
        if !agrees || !change.keeps_contrast(&counts) {
            // Not a change of brightness: something large came in front of the camera.
            for median in &mut change.bands {
                if median.abs() > MOST_DRIFT {
                    *median = 0;
                }
            }
        }
        change
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

    /// Whether a cell changed beyond the change of brightness.
    pub(crate) fn has_moved(&self, before: u8, after: u8) -> bool {
        let expected = i32::from(before) + self.bands[band_of(before)];
        (i32::from(after) - expected.clamp(0, 255)).abs() > MOVED_LUMA
    }
}

fn band_of(luma: u8) -> usize {
    usize::from(luma) * BANDS / 256
}
