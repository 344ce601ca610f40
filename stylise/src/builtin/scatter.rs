//! Points that are close together where there is more to see, and nowhere too close.

use crate::builtin::plane::Grey;

/// Points are drawn at random, so many for each that is wanted, and kept where none is near.
const TRIES: usize = 6;

/// The distance that a point keeps, relative to the side of the square that it has for itself.
const DISTANCE: f32 = 0.74;

/// Side of the squares in which near points are looked for.
const CELL_PX: usize = 16;
/// Points that are farther away are not looked for.
const REACH_PX: f32 = 96.0;

/// At most `count` points, spread by the density (weighted Poisson discs).
pub(super) fn scatter(density: &Grey, count: usize) -> Vec<[f32; 2]> {
    let mut total = 0.0_f64;
    let sums: Vec<f64> = density
        .pixels
        .iter()
        .map(|[level]| {
            total += f64::from(level.max(0.0));
            total
        })
        .collect();
    let (columns, rows) = (
        density.width.div_ceil(CELL_PX),
        density.height.div_ceil(CELL_PX),
    );
    let mut cells: Vec<Vec<[f32; 2]>> = vec![Vec::new(); columns * rows];
    let mut points = Vec::with_capacity(count);
    for number in 0..count * TRIES {
        if points.len() == count {
            break;
        }
        let place = random(number as u64) * total;
        let at = sums.partition_point(|sum| *sum <= place);
        let Some([level]) = density.pixels.get(at) else {
            continue;
        };
        let (x, y) = (at % density.width, at / density.width);
        let point = [x as f32, y as f32];
        let own_px = f64::from(*level) * count as f64 / total;
        let distance = (DISTANCE / own_px.sqrt() as f32).min(REACH_PX);
        let reach = (distance as usize).div_ceil(CELL_PX);
        let around = |at: usize, cells: usize| {
            let cell = at / CELL_PX;
            cell.saturating_sub(reach)..(cell + reach + 1).min(cells)
        };
        let (near_columns, near_rows) = (around(x, columns), around(y, rows));
        let is_free = near_rows.into_iter().all(|row| {
            let cells = &cells[row * columns..(row + 1) * columns];
            let mut others = cells[near_columns.clone()].iter().flatten();
            others.all(|[left, top]| (left - point[0]).hypot(top - point[1]) >= distance)
        });
        if is_free {
            cells[y / CELL_PX * columns + x / CELL_PX].push(point);
            points.push(point);
        }
    }
    points
}

/// From 0 to 1, the same for the same number (the finaliser of SplitMix64).
fn random(number: u64) -> f64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::plane::Plane;

    #[test]
    fn points_follow_the_density_and_keep_their_distance() {
        let density = Plane::of(200, 100, |x, _| [if x < 100 { 1.0 } else { 3.0 }]);
        let points = scatter(&density, 400);
        assert!((300..=400).contains(&points.len()), "{}", points.len());
        let left = points.iter().filter(|[x, _]| *x < 100.0).count();
        let share = left as f32 / points.len() as f32;
        assert!((0.2..0.33).contains(&share), "{share}");
        for (at, [x, y]) in points.iter().enumerate() {
            let others = points[..at].iter();
            assert!(
                others
                    .copied()
                    .all(|[left, top]| (left - x).hypot(top - y) > 3.0)
            );
        }
        assert_eq!(points, scatter(&density, 400));
    }

    #[test]
    fn nothing_to_see_has_no_points() {
        assert!(scatter(&Plane::of(40, 30, |_, _| [0.0]), 50).is_empty());
    }
}
