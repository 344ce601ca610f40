//! The shift between two small luma planes: a search on the coarsest level, then Gauss-Newton steps on finer ones. Pure.
//!
//! The inverse compositional form of Lucas and Kanade's method (Baker and Matthews 2004, "Lucas-Kanade 20 Years On"),
//! with Cauchy weights, so that what moves by itself hardly counts, and a common difference of brightness.

use super::shift::Shift;

/// Levels of a pyramid; each has half of the columns and rows of the one before.
const LEVELS: usize = 3;
/// How far the coarsest level is searched, in its cells, at most; no further than a third of it.
const SEARCHED: (i32, i32) = (6, 4);
/// Differences of luma above this count no more.
const MOST_DIFFERENCE: f32 = 24.0;
/// The difference of luma at which the weight of a cell is a half.
const HALF_WEIGHT: f32 = 6.0;
/// Gauss-Newton steps on each level, at most, and the step in cells that ends them.
const STEPS: usize = 4;
const LEAST_STEP: f32 = 0.02;
/// One in so many cells of a row and rows of the finest level counts.
const FINEST_STRIDE: usize = 2;
/// The squared gradients of a plane with enough to hold on to, the mean of each cell in each direction.
const LEAST_TEXTURE: f64 = 1.0;
/// A shift must explain the difference of the planes this much better than none.
const LEAST_GAIN: f32 = 0.85;

#[derive(Debug, Default)]
pub(super) struct Pyramid {
    levels: [Plane; LEVELS],
}

#[derive(Debug, Default)]
struct Plane {
    columns: usize,
    rows: usize,
    cells: Vec<f32>,
}

impl Pyramid {
    /// `cells`: row by row.
    pub(super) fn fill(&mut self, columns: usize, cells: &[u8]) {
        let [finest, coarser @ ..] = &mut self.levels;
        (finest.columns, finest.rows) = (columns, cells.len() / columns.max(1));
        finest.cells.clear();
        finest
            .cells
            .extend(cells.iter().map(|luma| f32::from(*luma)));
        let mut before = &*finest;
        for level in coarser {
            level.halve(before);
            before = level;
        }
    }
}

impl Plane {
    fn halve(&mut self, finer: &Self) {
        (self.columns, self.rows) = (finer.columns / 2, finer.rows / 2);
        self.cells.clear();
        for row in 0..self.rows {
            let line = |row: usize| &finer.cells[row * finer.columns..][..2 * self.columns];
            let (upper, lower) = (
                line(2 * row).chunks_exact(2),
                line(2 * row + 1).chunks_exact(2),
            );
            let sums = upper.zip(lower).map(|(a, b)| a[0] + a[1] + b[0] + b[1]);
            self.cells.extend(sums.map(|sum| sum / 4.0));
        }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.cells[row * self.columns..(row + 1) * self.columns]
    }

    /// The mean truncated difference to `after`, moved by whole cells; `brightness` is what `after` is brighter.
    fn difference(&self, after: &Self, (dx, dy): (i32, i32), brightness: f32) -> f32 {
        let columns = overlap(self.columns, dx);
        let rows = overlap(self.rows, dy);
        let (mut sum, count) = (0.0, columns.len() * rows.len());
        for row in rows {
            let before = &self.row(row)[columns.clone()];
            let moved = (columns.start as i32 + dx) as usize;
            let line = &after.row((row as i32 + dy) as usize)[moved..moved + columns.len()];
            let differences = before.iter().zip(line);
            sum += differences
                .map(|(before, after)| (after - before - brightness).abs().min(MOST_DIFFERENCE))
                .sum::<f32>();
        }
        sum / count.max(1) as f32
    }
}

/// The indices that exist after a move by `by`.
fn overlap(length: usize, by: i32) -> std::ops::Range<usize> {
    let by = by.clamp(-(length as i32), length as i32);
    (-by).max(0) as usize..(length as i32 - by.max(0)) as usize
}

/// The shift from `before` to `after` in cells of the finest level; zero where a shift explains little. `guess`: where to
/// begin. `None`: there is too little to hold on to.
pub(super) fn align(before: &Pyramid, after: &Pyramid, guess: Shift) -> Option<Shift> {
    let scale = (1 << (LEVELS - 1)) as f32;
    let coarsest = (&before.levels[LEVELS - 1], &after.levels[LEVELS - 1]);
    let (start, mut brightness) =
        search(coarsest.0, coarsest.1, (guess.x / scale, guess.y / scale))?;
    let mut shift = Shift {
        x: start.0 as f32,
        y: start.1 as f32,
    };
    for level in (0..LEVELS).rev() {
        let stride = if level == 0 { FINEST_STRIDE } else { 1 };
        let planes = (&before.levels[level], &after.levels[level]);
        (shift, brightness) = refine(planes, shift, brightness, stride)?;
        if level > 0 {
            shift = Shift {
                x: 2.0 * shift.x,
                y: 2.0 * shift.y,
            };
        }
    }
    let planes = (&before.levels[0], &after.levels[0]);
    let moved = residual(planes, shift, brightness)?;
    let unmoved = residual(planes, Shift::default(), brightness)?;
    match moved < LEAST_GAIN * unmoved {
        true => Some(shift),
        false => Some(Shift::default()),
    }
}

/// The best move by whole cells, and the difference of brightness.
fn search(before: &Plane, after: &Plane, guess: (f32, f32)) -> Option<((i32, i32), f32)> {
    let range = (
        SEARCHED.0.min(before.columns as i32 / 3),
        SEARCHED.1.min(before.rows as i32 / 3),
    );
    if before.cells.len() != after.cells.len() || range.0 == 0 || range.1 == 0 {
        return None;
    }
    let mean = |plane: &Plane| plane.cells.iter().sum::<f32>() / plane.cells.len() as f32;
    let brightness = mean(after) - mean(before);
    let guess = (
        (guess.0.round() as i32).clamp(-range.0, range.0),
        (guess.1.round() as i32).clamp(-range.1, range.1),
    );
    let mut best = (before.difference(after, guess, brightness), guess);
    // The way downhill first; the whole range only when it ends in a bad place.
    loop {
        let (_, (x, y)) = best;
        let near = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
        let step = near
            .into_iter()
            .filter(|(x, y)| x.abs() <= range.0 && y.abs() <= range.1)
            .map(|place| (before.difference(after, place, brightness), place))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match step.filter(|step| step.0 < best.0) {
            Some(step) => best = step,
            None => break,
        }
    }
    if best.0 > HALF_WEIGHT {
        for y in -range.1..=range.1 {
            for x in -range.0..=range.0 {
                let difference = before.difference(after, (x, y), brightness);
                if difference < best.0 {
                    best = (difference, (x, y));
                }
            }
        }
    }
    Some((best.1, brightness))
}

/// Gauss-Newton steps for shift and brightness on one level.
fn refine(
    planes: (&Plane, &Plane),
    mut shift: Shift,
    mut brightness: f32,
    stride: usize,
) -> Option<(Shift, f32)> {
    for _ in 0..STEPS {
        let mut normal = Normal::default();
        for_each_pair(planes, shift, stride, |before, after, (gx, gy)| {
            let error = after - before - brightness;
            let weight = 1.0 / (1.0 + (error / HALF_WEIGHT).powi(2));
            normal.add(weight, [gx, gy, -1.0], error);
        });
        let [x, y, light] = normal.solve()?;
        // Further than two cells, the gradients say nothing.
        shift.x -= x.clamp(-2.0, 2.0);
        shift.y -= y.clamp(-2.0, 2.0);
        brightness -= light;
        if x.abs().max(y.abs()) < LEAST_STEP {
            break;
        }
    }
    Some((shift, brightness))
}

/// The mean truncated difference after a shift.
fn residual(planes: (&Plane, &Plane), shift: Shift, brightness: f32) -> Option<f32> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for_each_pair(planes, shift, FINEST_STRIDE, |before, after, _| {
        sum += (after - before - brightness).abs().min(MOST_DIFFERENCE);
        count += 1;
    });
    (count > 0).then(|| sum / count as f32)
}

/// Calls `each` with a cell, its counterpart and the gradient at the cell.
fn for_each_pair(
    (before, after): (&Plane, &Plane),
    shift: Shift,
    stride: usize,
    mut each: impl FnMut(f32, f32, (f32, f32)),
) {
    let (whole_x, whole_y) = (shift.x.floor(), shift.y.floor());
    let (part_x, part_y) = (shift.x - whole_x, shift.y - whole_y);
    let (whole_x, whole_y) = (whole_x as i32, whole_y as i32);
    // Both neighbours of a cell, and all four around its counterpart, are inside.
    let inside = |length: usize, by: i32| {
        let range = overlap(length, by);
        let end = range.end.min(((length as i32 - 1 - by).max(0)) as usize);
        range.start.max(1)..end.min(length.saturating_sub(1))
    };
    let (columns, rows) = (
        inside(before.columns, whole_x),
        inside(before.rows, whole_y),
    );
    for row in rows.step_by(stride) {
        let (above, line, below) = (before.row(row - 1), before.row(row), before.row(row + 1));
        let moved = (row as i32 + whole_y) as usize;
        let (upper, lower) = (after.row(moved), after.row(moved + 1));
        for x in columns.clone().step_by(stride) {
            let at = (x as i32 + whole_x) as usize;
            let upper = upper[at] + part_x * (upper[at + 1] - upper[at]);
            let lower = lower[at] + part_x * (lower[at + 1] - lower[at]);
            let gradient = (
                (line[x + 1] - line[x - 1]) / 2.0,
                (below[x] - above[x]) / 2.0,
            );
            each(line[x], upper + part_y * (lower - upper), gradient);
        }
    }
}

/// Weighted normal equations of three unknowns.
#[derive(Debug, Default)]
struct Normal {
    matrix: [[f32; 3]; 3],
    right: [f32; 3],
    count: f32,
}

impl Normal {
    fn add(&mut self, weight: f32, row: [f32; 3], error: f32) {
        for i in 0..3 {
            for j in i..3 {
                self.matrix[i][j] += weight * row[i] * row[j];
            }
            self.right[i] += weight * row[i] * error;
        }
        self.count += 1.0;
    }

    /// `None`: there is too little to hold on to in some direction.
    fn solve(&self) -> Option<[f32; 3]> {
        let at = |i: usize, j: usize| f64::from(self.matrix[i.min(j)][i.max(j)]);
        let weight = at(2, 2).max(1.0);
        // The brightness is eliminated first.
        let less = |i: usize, j: usize| at(i, j) - at(i, 2) * at(j, 2) / weight;
        let right = |i: usize| {
            let light = f64::from(self.right[2]);
            f64::from(self.right[i]) - at(i, 2) * light / weight
        };
        let (xx, xy, yy) = (less(0, 0), less(0, 1), less(1, 1));
        let (half, rest) = (
            (xx + yy) / 2.0,
            (((xx - yy) / 2.0).powi(2) + xy * xy).sqrt(),
        );
        let determinant = xx * yy - xy * xy;
        if half - rest < LEAST_TEXTURE * f64::from(self.count) * 0.25 || determinant <= 0.0 {
            return None;
        }
        let x = (yy * right(0) - xy * right(1)) / determinant;
        let y = (xx * right(1) - xy * right(0)) / determinant;
        let light = (f64::from(self.right[2]) - at(0, 2) * x - at(1, 2) * y) / weight;
        Some([x, y, light].map(|value| value as f32))
    }
}
