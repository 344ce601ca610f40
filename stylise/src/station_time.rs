//! Pure: the time by which pictures age. It goes on as real time does, whatever the wall clock is set to.
//!
//! Within one boot the monotonic clock tells how much time has passed, also while the program did not run. What
//! the wall clock says is believed in two cases:
//!
//! - From one boot to the next nothing else tells how long the machine was off.
//! - The first time the clock is set within a boot, it was wrong before (a board without a battery, which
//!   then reaches a time server): that is no time that has passed. From then on it is right, and when it is
//!   far ahead once more, the machine was paused without its monotonic clock noticing, as virtual
//!   machines are.

/// Clocks that differ by less were not set, only corrected: 2 s, and 0.1 % of the time between two looks.
const TOLERANCE_MS: u64 = 2000;
const TOLERANCE_PART: u64 = 1000;

/// 2026-01-01. A clock that says less has lost the time.
const EARLIEST_UNIX_MS: u64 = 1_767_225_600_000;

/// What the machine's clocks said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The name of this boot.
    pub(crate) boot: String,
    /// On the monotonic clock, which counts sleep.
    pub(crate) since_boot_ms: u64,
    /// On the wall clock.
    pub(crate) unix_ms: u64,
}

/// What is kept on disk to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) reading: Reading,
    /// The station's time at that reading.
    pub(crate) station_ms: u64,
    /// Whether the wall clock was set since this boot.
    pub(crate) is_set: bool,
    /// Where the last boot ended, while this boot's wall clock is behind it.
    pub(crate) before: Option<Before>,
}

/// The end of an earlier boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) unix_ms: u64,
    pub(crate) station_ms: u64,
}

/// The station's own clock. It began with the wall clock's time, and never goes back.
#[derive(Debug, Clone)]
pub(crate) struct StationTime {
    mark: Mark,
    /// The wall clock minus the station's time.
    offset_ms: i64,
}

impl StationTime {
    /// Goes on from what was kept.
    pub(crate) fn resume(kept: Option<Mark>, now: Reading) -> Self {
        let Some(kept) = kept else {
            return Self::at(Mark {
                station_ms: now.unix_ms,
                is_set: false,
                before: None,
                reading: now,
            });
        };
        if kept.reading.boot == now.boot {
            let mut time = Self::at(kept);
            time.advance(now);
            time.tie();
            return time;
        }
        let then = kept.reading.unix_ms;
        let is_known = then >= EARLIEST_UNIX_MS;
        // At least as long as this boot lasts, if the clock says less.
        let off_ms = match now.unix_ms.checked_sub(then) {
            Some(passed) if is_known => passed.max(now.since_boot_ms),
            _ => now.since_boot_ms,
        };
        let before = (is_known && now.unix_ms < then).then_some(Before {
            unix_ms: then,
            station_ms: kept.station_ms,
        });
        Self::at(Mark {
            station_ms: kept.station_ms.saturating_add(off_ms),
            is_set: false,
            before,
            reading: now,
        })
    }

    fn at(mark: Mark) -> Self {
        let mut time = Self { mark, offset_ms: 0 };
        time.tie();
        time
    }

    /// What the wall clock says now is what is shown from now on.
    fn tie(&mut self) {
        let wall = signed(self.mark.reading.unix_ms);
        self.offset_ms = wall.saturating_sub(signed(self.mark.station_ms));
    }

    /// Goes on to `now`. By how much the wall clock was set since the last time, if it was.
    pub(crate) fn advance(&mut self, now: Reading) -> Option<i64> {
        let last = &self.mark.reading;
        let passed_ms = now.since_boot_ms.saturating_sub(last.since_boot_ms);
        let by_wall_ms = signed(now.unix_ms).saturating_sub(signed(last.unix_ms));
        let set_by_ms = by_wall_ms.saturating_sub(signed(passed_ms));
        let tolerance_ms = TOLERANCE_MS + passed_ms / TOLERANCE_PART;
        self.mark.station_ms = self.mark.station_ms.saturating_add(passed_ms);
        self.mark.reading = now;
        if set_by_ms.unsigned_abs() <= tolerance_ms {
            return None;
        }
        self.wall_clock_was_set(set_by_ms);
        Some(set_by_ms)
    }

    fn wall_clock_was_set(&mut self, by_ms: i64) {
        let mark = &mut self.mark;
        let before = mark.before.take();
        if let Ok(ahead_ms) = u64::try_from(by_ms) {
            if mark.is_set {
                mark.station_ms = mark.station_ms.saturating_add(ahead_ms);
            } else if let Some(before) = before
                && let Some(passed_ms) = mark.reading.unix_ms.checked_sub(before.unix_ms)
            {
                // Now it is known how long the machine was off.
                let by_wall_ms = before.station_ms.saturating_add(passed_ms);
                mark.station_ms = mark.station_ms.max(by_wall_ms);
            }
        }
        mark.is_set = true;
        self.tie();
    }

    /// The station's time, as of the last reading.
    pub(crate) fn now_ms(&self) -> u64 {
        self.mark.station_ms
    }

    /// What the wall clock shows, or showed, at a moment of the station's time.
    pub(crate) fn unix_ms(&self, station_ms: u64) -> u64 {
        station_ms.saturating_add_signed(self.offset_ms)
    }

    /// What to keep.
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: u64 = 60_000;
    const HOUR_MS: u64 = 60 * MINUTE_MS;
    const DAY_MS: u64 = 24 * HOUR_MS;
    /// In 2027.
    const NOW_MS: u64 = 1_800_000_000_000;

    fn at(boot: &str, since_boot_ms: u64, unix_ms: u64) -> Reading {
        Reading {
            boot: boot.to_owned(),
            since_boot_ms,
            unix_ms,
        }
    }

    /// A fresh station that has run for a minute.
    fn fresh(unix_ms: u64) -> StationTime {
        let mut time = StationTime::resume(None, at("a", MINUTE_MS, unix_ms));
        assert_eq!(
            time.advance(at("a", 2 * MINUTE_MS, unix_ms + MINUTE_MS)),
            None
        );
        time
    }

    #[test]
    fn a_clock_that_is_set_once_makes_nothing_older_or_younger() {
        for far_ms in [25 * HOUR_MS, 400 * DAY_MS] {
            for ahead in [true, false] {
                let mut time = fresh(NOW_MS);
                let made_ms = time.now_ms();
                let wall_ms = match ahead {
                    true => NOW_MS + far_ms,
                    false => NOW_MS - far_ms,
                };
                assert!(time.advance(at("a", 3 * MINUTE_MS, wall_ms)).is_some());
                assert_eq!(time.now_ms() - made_ms, MINUTE_MS);
                assert_eq!(
                    time.unix_ms(time.now_ms()),
                    wall_ms,
                    "shown as the clock is now"
                );
                assert_eq!(time.unix_ms(made_ms), wall_ms - MINUTE_MS);
            }
        }
    }

    #[test]
    fn small_corrections_are_no_change() {
        let mut time = fresh(NOW_MS);
        let start_ms = time.now_ms();
        let slewed = at(
            "a",
            2 * MINUTE_MS + 10 * HOUR_MS,
            NOW_MS + MINUTE_MS + 10 * HOUR_MS - 18_000,
        );
        assert_eq!(time.advance(slewed), None);
        assert_eq!(time.now_ms() - start_ms, 10 * HOUR_MS);
        assert!(!time.mark().is_set);
    }

    #[test]
    fn once_the_clock_is_right_being_far_ahead_means_a_pause() {
        let mut time = fresh(NOW_MS + 400 * DAY_MS);
        let made_ms = time.now_ms();
        time.advance(at("a", 3 * MINUTE_MS, NOW_MS));
        time.advance(at("a", 4 * MINUTE_MS, NOW_MS + MINUTE_MS + 26 * HOUR_MS));
        assert_eq!(time.now_ms() - made_ms, 2 * MINUTE_MS + 26 * HOUR_MS);
        time.advance(at("a", 5 * MINUTE_MS, NOW_MS - DAY_MS));
        assert_eq!(
            time.now_ms() - made_ms,
            3 * MINUTE_MS + 26 * HOUR_MS,
            "never back"
        );
    }

    #[test]
    fn a_restart_within_a_boot_goes_on_with_the_monotonic_clock() {
        let time = fresh(NOW_MS);
        let made_ms = time.now_ms();
        // The clock was set while the program was off.
        let later = at("a", 2 * MINUTE_MS + HOUR_MS, NOW_MS + 400 * DAY_MS);
        let again = StationTime::resume(Some(time.mark().clone()), later);
        assert_eq!(again.now_ms() - made_ms, HOUR_MS);
        assert!(again.mark().is_set);
        assert_eq!(again.unix_ms(again.now_ms()), NOW_MS + 400 * DAY_MS);
    }

    #[test]
    fn over_a_reboot_the_wall_clock_tells_how_long_the_machine_was_off() {
        let time = fresh(NOW_MS);
        let made_ms = time.now_ms();
        let later = at("b", MINUTE_MS, NOW_MS + MINUTE_MS + 3 * DAY_MS);
        let again = StationTime::resume(Some(time.mark().clone()), later);
        assert_eq!(again.now_ms() - made_ms, 3 * DAY_MS);
    }

    #[test]
    fn after_an_offline_boot_the_time_server_tells_how_long_the_machine_was_off() {
        let time = fresh(NOW_MS);
        let made_ms = time.now_ms();
        let lost = at("b", MINUTE_MS, 0);
        let mut again = StationTime::resume(Some(time.mark().clone()), lost);
        assert_eq!(
            again.now_ms() - made_ms,
            MINUTE_MS,
            "only this boot is known"
        );
        // A restart in between changes nothing.
        again = StationTime::resume(
            Some(again.mark().clone()),
            at("b", 2 * MINUTE_MS, MINUTE_MS),
        );
        let set = at("b", 3 * MINUTE_MS, NOW_MS + MINUTE_MS + 3 * DAY_MS);
        assert!(again.advance(set).is_some());
        assert_eq!(again.now_ms() - made_ms, 3 * DAY_MS);
    }

    #[test]
    fn a_boot_that_never_knew_the_time_tells_nothing_of_how_long_it_is_ago() {
        let time = fresh(5 * MINUTE_MS);
        let made_ms = time.now_ms();
        let again = StationTime::resume(Some(time.mark().clone()), at("b", MINUTE_MS, NOW_MS));
        assert_eq!(again.now_ms() - made_ms, MINUTE_MS);
    }

    #[test]
    fn a_clock_that_was_ahead_before_the_reboot_does_not_keep_pictures_for_years() {
        let time = fresh(NOW_MS + 400 * DAY_MS);
        let made_ms = time.now_ms();
        let mut again = StationTime::resume(Some(time.mark().clone()), at("b", MINUTE_MS, NOW_MS));
        again.advance(at("b", 30 * HOUR_MS, NOW_MS + 30 * HOUR_MS - MINUTE_MS));
        assert_eq!(again.now_ms() - made_ms, 30 * HOUR_MS);
    }
}
