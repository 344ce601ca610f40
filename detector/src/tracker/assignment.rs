//! Who belongs to whom at the least total cost.
//!
//! The shortest-augmenting-path form of the Hungarian method with potentials, O(rows^2 * columns):
//! Kuhn 1955; Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse
//! linear assignment problems", Computing 38.

/// Stands for "never": far above any real cost, small enough to add up without loss.
const FORBIDDEN: f64 = 1e6;

/// Pairs (row, column) such that as many allowed pairs as possible are made, then the cheapest.
/// `cost` answers `None` for a pair that must not be made.
pub(super) fn assign(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> Option<f32>,
) -> Vec<(usize, usize)> {
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    let price = |row: usize, column: usize| match cost(row, column) {
        Some(cost) if cost.is_finite() => f64::from(cost),
        _ => FORBIDDEN,
    };
    let pairs = if rows <= columns {
        solve(&table(rows, columns, price), columns)
    } else {
        let flipped = table(columns, rows, |row, column| price(column, row));
        solve(&flipped, rows)
            .into_iter()
            .map(|(row, column)| (column, row))
            .collect()
    };
    let mut allowed: Vec<_> = pairs
        .into_iter()
        .filter(|&(row, column)| price(row, column) < FORBIDDEN)
        .collect();
    allowed.sort_unstable();
    allowed
}

fn table(rows: usize, columns: usize, price: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    cells.map(|(row, column)| price(row, column)).collect()
}

/// Needs at least as many columns as rows. Index 0 of each list stands for "nobody yet".
fn solve(costs: &[f64], columns: usize) -> Vec<(usize, usize)> {
    let rows = costs.len() / columns;
    let mut row_potential = vec![0.0; rows + 1];
    let mut column_potential = vec![0.0; columns + 1];
    let mut owner = vec![0; columns + 1];
    for row in 1..=rows {
        owner[0] = row;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut came_from = vec![0; columns + 1];
        let mut visited = vec![false; columns + 1];
        let mut column = 0;
        // Grow the cheapest path until it reaches a column without an owner.
        while owner[column] != 0 {
            visited[column] = true;
            let current = owner[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for other in (1..=columns).filter(|&other| !visited[other]) {
                let price = costs[(current - 1) * columns + other - 1];
                let reduced = price - row_potential[current] - column_potential[other];
                if reduced < least[other] {
                    (least[other], came_from[other]) = (reduced, column);
                }
                if least[other] < step {
                    (step, next) = (least[other], other);
                }
            }
            for other in 0..=columns {
                if visited[other] {
                    row_potential[owner[other]] += step;
                    column_potential[other] -= step;
                } else {
                    least[other] -= step;
                }
            }
            column = next;
        }
        // Hand each column on the path over to the one before.
        while column != 0 {
            owner[column] = owner[came_from[column]];
            column = came_from[column];
        }
    }
    let taken = (1..=columns).filter(|&column| owner[column] != 0);
    taken
        .map(|column| (owner[column] - 1, column - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(costs: &[&[f32]], pairs: &[(usize, usize)]) -> f32 {
        pairs.iter().map(|&(row, column)| costs[row][column]).sum()
    }

    #[test]
    fn beats_the_greedy_choice() {
        // Greedy takes the 1, then must pay 9.
        let costs: [&[f32]; 2] = [&[1.0, 2.0], &[2.0, 9.0]];
        let pairs = assign(2, 2, |row, column| Some(costs[row][column]));
        assert_eq!(pairs, [(0, 1), (1, 0)]);
    }

    #[test]
    fn agrees_with_trying_everything() {
        let mut seed = 7_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as f32 % 100.0
        };
        for _ in 0..50 {
            let rows: Vec<Vec<f32>> = (0..4).map(|_| (0..5).map(|_| next()).collect()).collect();
            let costs: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let pairs = assign(4, 5, |row, column| Some(costs[row][column]));
            assert_eq!(pairs.len(), 4);
            assert_eq!(total(&costs, &pairs), cheapest(&costs, 0, &mut [false; 5]));
            let flipped = assign(5, 4, |row, column| Some(costs[column][row]));
            assert_eq!(flipped.len(), 4);
        }
    }

    fn cheapest(costs: &[&[f32]], row: usize, used: &mut [bool; 5]) -> f32 {
        if row == costs.len() {
            return 0.0;
        }
        let mut best = f32::MAX;
        for column in 0..5 {
            if !used[column] {
                used[column] = true;
                best = best.min(costs[row][column] + cheapest(costs, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn forbidden_pairs_are_never_made() {
        let pairs = assign(2, 3, |row, column| (row == 1 && column == 2).then_some(0.5));
        assert_eq!(pairs, [(1, 2)]);
        assert_eq!(assign(2, 2, |_, _| None), []);
        assert_eq!(assign(2, 2, |_, _| Some(f32::NAN)), []);
        assert_eq!(assign(0, 4, |_, _| Some(1.0)), []);
    }
}
