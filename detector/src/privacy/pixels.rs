//! Makes parts of a picture unrecognisable: averages over cells, with interpolation between them, so
//! that neither details nor edges remain.

#[cfg(test)]
mod tests;

use capture::I420;
use capture::canvas::{Ink, Rect};

/// The colour of masks.
pub(super) const MASK_INK: Ink = Ink::rgb(38, 40, 44);

/// A cell is averaged over at least this many of its lines, if it has them, and fewer than twice as many.
const LINES_OF_CELL: usize = 16;

/// How coarse an area becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grain {
    /// The most cells across the longer side of the area.
    pub(super) cells: u32,
    /// The least side of a cell, in pixels: in a small area even few cells would show details.
    pub(super) least_px: u32,
}

/// Blurs areas. Keeps its buffers from picture to picture.
#[derive(Debug, Default)]
pub(super) struct Blur {
    /// The sum of each column of one row of cells.
    column_sums: Vec<u16>,
    /// The means of one row of cells.
    means: Vec<u8>,
    /// For each row of cells, its means interpolated to one line of samples.
    lines: Vec<u8>,
}

impl Blur {
    /// Blurs what `area` covers of the picture, enlarged to even pixels so that it covers whole chroma
    /// samples.
    pub(super) fn blur(&mut self, picture: &mut I420, area: Rect, grain: Grain) {
        let area = even(area, picture);
        if area.is_empty() {
            return;
        }
        let cell = area.width.max(area.height) as f32 / grain.cells.max(1) as f32;
        let cell = cell.max(grain.least_px as f32);
        let count = |side: i32| ((side as f32 / cell) as usize).max(1);
        let cells = (count(area.width), count(area.height));
        let stride = picture.width() as usize;
        let planes = picture.planes_mut();
        let window = Window::of(area);
        self.plane(planes.y, stride, window, cells);
        let half = window.halved();
        self.plane(planes.u, stride / 2, half, cells);
        self.plane(planes.v, stride / 2, half, cells);
    }

    fn plane(&mut self, plane: &mut [u8], stride: usize, window: Window, cells: (usize, usize)) {
        // A cell has at least one sample.
        let (columns, rows) = (cells.0.min(window.width), cells.1.min(window.height));
        self.lines.clear();
        self.lines.resize(rows * window.width, 0);
        for row in 0..rows {
            self.average(plane, stride, window, (row, rows), columns);
            let start = row * window.width;
            interpolate(&self.means, &mut self.lines[start..start + window.width]);
        }
        let outputs = plane.chunks_exact_mut(stride).skip(window.y);
        for (y, output) in outputs.take(window.height).enumerate() {
            let (above, below, weight) = neighbours(y, window.height, rows);
            let line = |row: usize| &self.lines[row * window.width..(row + 1) * window.width];
            let output = &mut output[window.x..window.x + window.width];
            for ((output, above), below) in output.iter_mut().zip(line(above)).zip(line(below)) {
                let sum = u16::from(*above) * (256 - weight) + u16::from(*below) * weight;
                *output = (sum >> 8) as u8;
            }
        }
    }

    /// Computes the means of the cells in `row` of `rows`.
    fn average(
        &mut self,
        plane: &[u8],
        stride: usize,
        window: Window,
        (row, rows): (usize, usize),
        columns: usize,
    ) {
        let (top, bottom) = bounds(row, window.height, rows);
        // Some lines of a cell are enough for its mean. Sixteen bits hold the sum of 257 of them.
        let step = ((bottom - top) / LINES_OF_CELL).max(1);
        let lines = plane.chunks_exact(stride).skip(window.y + top);
        self.column_sums.clear();
        self.column_sums.resize(window.width, 0);
        let mut count = 0;
        for line in lines.take(bottom - top).step_by(step) {
            count += 1;
            let line = &line[window.x..window.x + window.width];
            for (sum, sample) in self.column_sums.iter_mut().zip(line) {
                *sum += u16::from(*sample);
            }
        }
        self.means.clear();
        let sums = &self.column_sums;
        self.means.extend((0..columns).map(|column| {
            let (left, right) = bounds(column, window.width, columns);
            let sum: u32 = sums[left..right].iter().map(|sum| u32::from(*sum)).sum();
            (sum / (count * (right - left) as u32)) as u8
        }));
    }
}

/// The first sample of cell `index` and one past its last one.
fn bounds(index: usize, side: usize, cells: usize) -> (usize, usize) {
    (index * side / cells, (index + 1) * side / cells)
}

/// The cells above and below the sample `at`, and the weight of the lower one, 0..=256.
fn neighbours(at: usize, side: usize, cells: usize) -> (usize, usize, u16) {
    // In cells from the middle of the first one, 8 fractional bits.
    let place = ((2 * at + 1) * cells * 128 / side) as i64 - 128;
    let place = place.clamp(0, (cells as i64 - 1) << 8);
    let above = (place >> 8) as usize;
    (above, (above + 1).min(cells - 1), (place & 255) as u16)
}

/// Fills `line` with straight lines between `means`, which lie in the middle of equal parts of it.
fn interpolate(means: &[u8], line: &mut [u8]) {
    let (width, cells) = (line.len(), means.len());
    let middle = |cell: usize| (2 * cell + 1) * width / (2 * cells);
    line[..middle(0)].fill(means[0]);
    for (cell, pair) in means.windows(2).enumerate() {
        let part = &mut line[middle(cell)..middle(cell + 1)];
        // 16 fractional bits; no product exceeds 255 << 16.
        let (from, to) = (i32::from(pair[0]), i32::from(pair[1]));
        let step = ((to - from) << 16) / part.len().max(1) as i32;
        for (at, sample) in part.iter_mut().enumerate() {
            *sample = (((from << 16) + step * at as i32) >> 16) as u8;
        }
    }
    line[middle(cells - 1)..].fill(means[cells - 1]);
}

/// A rectangle inside one plane.
#[derive(Debug, Clone, Copy)]
struct Window {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Window {
    /// `area` lies inside the picture.
    fn of(area: Rect) -> Self {
        Self {
            x: area.x as usize,
            y: area.y as usize,
            width: area.width as usize,
            height: area.height as usize,
        }
    }

    fn halved(self) -> Self {
        Self {
            x: self.x / 2,
            y: self.y / 2,
            width: self.width / 2,
            height: self.height / 2,
        }
    }
}

/// What `area` covers of the picture, enlarged to even pixels.
pub(super) fn even(area: Rect, picture: &I420) -> Rect {
    let inside = area.intersection(Rect::of_size(picture.width(), picture.height()));
    if inside.is_empty() {
        return inside;
    }
    let (x, y) = (inside.x & !1, inside.y & !1);
    let (right, bottom) = ((inside.right() + 1) & !1, (inside.bottom() + 1) & !1);
    Rect::new(x, y, right - x, bottom - y)
}

/// A run of luma samples in one row: `start..end`, not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) row: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Fills spans, and every chroma sample that they touch.
pub(super) fn fill_spans(picture: &mut I420, spans: impl IntoIterator<Item = Span>, ink: Ink) {
    let (width, height) = (picture.width(), picture.height());
    let stride = width as usize;
    let planes = picture.planes_mut();
    for Span { row, start, end } in spans {
        let (start, end) = (start.min(width) as usize, end.min(width) as usize);
        if row >= height || start >= end {
            continue;
        }
        let row = row as usize;
        planes.y[row * stride + start..row * stride + end].fill(ink.y);
        let line = row / 2 * (stride / 2);
        let half = line + start / 2..line + end.div_ceil(2);
        planes.u[half.clone()].fill(ink.u);
        planes.v[half].fill(ink.v);
    }
}

/// Appends the spans of a polygon with corners in 0..=1 of a picture of this size: every pixel that it
/// touches, so that no edge of what it hides remains.
pub(super) fn polygon_spans(points: &[[f32; 2]], size: (u32, u32), spans: &mut Vec<Span>) {
    let (width, height) = (size.0 as f32, size.1 as f32);
    // By the even-odd rule a polygon that crosses itself would have holes, so that all that lies
    // between two crossings with winding is filled. Each row is probed at several heights.
    const PROBES: u32 = 4;
    let mut crossings: Vec<(f32, i32)> = Vec::with_capacity(points.len());
    for row in 0..size.1 {
        for probe in 0..=PROBES {
            let y = row as f32 + probe as f32 / PROBES as f32;
            crossings.clear();
            let next = points.iter().cycle().skip(1);
            for (&[x0, y0], &[x1, y1]) in points.iter().zip(next) {
                let (x0, y0, x1, y1) = (x0 * width, y0 * height, x1 * width, y1 * height);
                let direction = if y0 <= y && y < y1 {
                    1
                } else if y1 <= y && y < y0 {
                    -1
                } else {
                    continue;
                };
                crossings.push((x0 + (y - y0) * (x1 - x0) / (y1 - y0), direction));
            }
            crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut winding, mut from) = (0, 0.0);
            for &(x, direction) in &crossings {
                if winding == 0 {
                    from = x;
                }
                winding += direction;
                if winding == 0 {
                    let (start, end) = (from.floor() as u32, (x.ceil() as u32).min(size.0));
                    if start < end {
                        spans.push(Span { row, start, end });
                    }
                }
            }
        }
    }
}
