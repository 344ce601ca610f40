//! How much of what all share one address may hold.

/// How many times the free places an address may hold while no other address holds any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth(pub usize);

/// Whether an address that holds `held` places may have another one, when `taken` of `max` are taken in all.
///
/// Alone, an address may have another place while it holds at most [`Growth`] times what is free: a hall behind
/// one address can use nearly everything. While others hold places too, it may while it holds at most what is
/// free. An address that holds none is refused only when nothing is free.
#[must_use]
pub fn may_take(held: usize, taken: usize, max: usize, growth: Growth) -> bool {
    let free = max.saturating_sub(taken);
    let times = if taken > held { 1 } else { growth.0.max(1) };
    free > 0 && held <= free.saturating_mul(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `max` places one address gets when the others hold `others`.
    fn most(others: usize, max: usize, growth: usize) -> usize {
        let mut held = 0;
        while may_take(held, others + held, max, Growth(growth)) {
            held += 1;
        }
        held
    }

    #[test]
    fn alone_it_has_nearly_everything_and_leaves_room_for_others() {
        assert_eq!(most(0, 50, 8), 45);
        assert_eq!(most(0, 8, 2), 6);
        assert_eq!(
            most(0, 1, 8),
            1,
            "the only place is for whoever comes first"
        );
    }

    #[test]
    fn beside_others_it_has_about_half_of_what_they_leave() {
        assert_eq!(most(10, 50, 8), 21);
        assert_eq!(most(45, 50, 8), 3);
        assert_eq!(most(49, 50, 8), 1, "a newcomer has the last place");
        assert_eq!(most(50, 50, 8), 0);
    }

    #[test]
    fn one_that_holds_much_waits_until_others_have_gone() {
        assert!(!may_take(40, 41, 50, Growth(8)));
        assert!(may_take(4, 41, 50, Growth(8)));
        assert!(!may_take(60, 60, 50, Growth(8)), "the limit was lowered");
    }
}
