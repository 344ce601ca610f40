//! Expiry: what is due for a job, and the clock that decides it. Pure.
//!
//! The station's clock follows elapsed time, whatever the wall clock is set to. Within one boot the
//! monotonic clock measures it, also while the program does not run. The wall clock is trusted in two cases:
//!
//! - From one boot to the next, nothing else tells how long the machine was off.
//! - The first time the wall clock is set within a boot, it was wrong before (a board without a battery that
//!   then reaches a time server), so the jump is not elapsed time. Afterwards it is correct, so a further
//!   large jump means that the machine was paused without its monotonic clock noticing, as virtual machines
//!   are.

use crate::job::State;

/// How long an expired job stays visible, so that its page can say what happened.
pub(crate) const TOMBSTONE_MS: u64 = 24 * 60 * 60 * 1000;

/// What is due for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Erase everything except id, style and state.
    Erase,
    Remove,
}

/// What is due at `now_ms`.
pub(crate) fn due(state: State, expires_at_ms: u64, now_ms: u64) -> Due {
    let is_erased = state == State::Expired;
    if now_ms >= expires_at_ms.saturating_add(TOMBSTONE_MS) && is_erased {
        Due::Remove
    } else if now_ms >= expires_at_ms && !is_erased {
        Due::Erase
    } else {
        Due::Nothing
    }
}

/// Differences below 2 s plus 0.1 % of the elapsed time are corrections, not a set clock.
const TOLERANCE_MS: u64 = 2000;
const TOLERANCE_PART: u64 = 1000;

/// 2026-01-01: an earlier wall clock is not set.
const EARLIEST_UNIX_MS: u64 = 1_767_225_600_000;

/// A reading of the machine's clocks at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClockReading {
    /// Identifies the boot.
    pub(crate) boot: String,
    /// `CLOCK_BOOTTIME`, which counts sleep.
    pub(crate) since_boot_ms: u64,
    pub(crate) unix_ms: u64,
}

/// The station's clock as stored on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClockMark {
    pub(crate) reading: ClockReading,
    /// The station's time at that reading.
    pub(crate) station_ms: u64,
    /// Whether the wall clock was set since this boot.
    pub(crate) is_set: bool,
    /// The end of the last boot, while this boot's wall clock is behind it.
    pub(crate) before: Option<PreviousBoot>,
}

/// The end of an earlier boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PreviousBoot {
    pub(crate) unix_ms: u64,
    pub(crate) station_ms: u64,
}

/// The station's clock. Starts at the wall clock's time and never goes back.
#[derive(Debug, Clone)]
pub(crate) struct StationTime {
    mark: ClockMark,
    /// The wall clock minus the station's time.
    offset_ms: i64,
}

impl StationTime {
    /// Continues from the stored state.
    pub(crate) fn resume(kept: Option<ClockMark>, now: ClockReading) -> Self {
        let Some(kept) = kept else {
            return Self::at(ClockMark {
                station_ms: now.unix_ms,
                is_set: false,
                before: None,
                reading: now,
            });
        };
        if kept.reading.boot == now.boot {
            let mut time = Self::at(kept);
            time.advance(now);
            time.align_to_wall_clock();
            return time;
        }
        let then = kept.reading.unix_ms;
        let is_known = then >= EARLIEST_UNIX_MS;
        // At least the duration of this boot.
        let off_ms = match now.unix_ms.checked_sub(then) {
            Some(passed) if is_known => passed.max(now.since_boot_ms),
            _ => now.since_boot_ms,
        };
        let before = (is_known && now.unix_ms < then).then_some(PreviousBoot {
            unix_ms: then,
            station_ms: kept.station_ms,
        });
        Self::at(ClockMark {
            station_ms: kept.station_ms.saturating_add(off_ms),
            is_set: false,
            before,
            reading: now,
        })
    }

    fn at(mark: ClockMark) -> Self {
        let mut time = Self { mark, offset_ms: 0 };
        time.align_to_wall_clock();
        time
    }

    /// Displays times by what the wall clock says now.
    fn align_to_wall_clock(&mut self) {
        let wall = signed(self.mark.reading.unix_ms);
        self.offset_ms = wall.saturating_sub(signed(self.mark.station_ms));
    }

    /// Advances to `now`. Returns by how much the wall clock was set, if it was.
    pub(crate) fn advance(&mut self, now: ClockReading) -> Option<i64> {
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
        self.align_to_wall_clock();
    }

    /// The station's time at the last reading.
    pub(crate) fn now_ms(&self) -> u64 {
        self.mark.station_ms
    }

    /// Converts a station time to wall clock time.
    pub(crate) fn unix_ms(&self, station_ms: u64) -> u64 {
        station_ms.saturating_add_signed(self.offset_ms)
    }

    pub(crate) fn mark(&self) -> &ClockMark {
        &self.mark
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn pictures_expire_first_and_the_tombstone_a_day_later() {
        assert_eq!(due(State::Done, 1000, 999), Due::Nothing);
        for state in [State::Done, State::Failed, State::Queued, State::Running] {
            assert_eq!(due(state, 1000, 1000), Due::Erase, "{state:?}");
        }
        assert_eq!(due(State::Expired, 1000, 5000), Due::Nothing);
        let removed = due(State::Expired, 1000, 1000 + TOMBSTONE_MS);
        assert_eq!(removed, Due::Remove);
    }

    #[test]
    fn after_a_long_sleep_pictures_still_expire_first() {
        let now = 1000 + 3 * TOMBSTONE_MS;
        assert_eq!(due(State::Done, 1000, now), Due::Erase);
    }

    const MINUTE_MS: u64 = 60_000;
    const HOUR_MS: u64 = 60 * MINUTE_MS;
    const DAY_MS: u64 = 24 * HOUR_MS;
    /// In 2027.
    const NOW_MS: u64 = 1_800_000_000_000;

    fn at(boot: &str, since_boot_ms: u64, unix_ms: u64) -> ClockReading {
        ClockReading {
            boot: boot.to_owned(),
            since_boot_ms,
            unix_ms,
        }
    }

    /// A new station that has run for a minute.
    fn fresh(unix_ms: u64) -> StationTime {
        let mut time = StationTime::resume(None, at("a", MINUTE_MS, unix_ms));
        assert_eq!(
            time.advance(at("a", 2 * MINUTE_MS, unix_ms + MINUTE_MS)),
            None
        );
        time
    }

    #[test]
    fn setting_the_clock_once_changes_no_age() {
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
                    "times follow the wall clock"
                );
                assert_eq!(time.unix_ms(made_ms), wall_ms - MINUTE_MS);
            }
        }
    }

    #[test]
    fn small_corrections_do_not_count_as_setting_the_clock() {
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
    fn a_second_jump_of_the_clock_counts_as_a_pause() {
        let mut time = fresh(NOW_MS + 400 * DAY_MS);
        let made_ms = time.now_ms();
        time.advance(at("a", 3 * MINUTE_MS, NOW_MS));
        time.advance(at("a", 4 * MINUTE_MS, NOW_MS + MINUTE_MS + 26 * HOUR_MS));
        assert_eq!(time.now_ms() - made_ms, 2 * MINUTE_MS + 26 * HOUR_MS);
        time.advance(at("a", 5 * MINUTE_MS, NOW_MS - DAY_MS));
        assert_eq!(
            time.now_ms() - made_ms,
            3 * MINUTE_MS + 26 * HOUR_MS,
            "the clock never goes back"
        );
    }

    #[test]
    fn a_restart_within_a_boot_uses_the_monotonic_clock() {
        let time = fresh(NOW_MS);
        let made_ms = time.now_ms();
        // The wall clock was set while the program was off.
        let later = at("a", 2 * MINUTE_MS + HOUR_MS, NOW_MS + 400 * DAY_MS);
        let again = StationTime::resume(Some(time.mark().clone()), later);
        assert_eq!(again.now_ms() - made_ms, HOUR_MS);
        assert!(again.mark().is_set);
        assert_eq!(again.unix_ms(again.now_ms()), NOW_MS + 400 * DAY_MS);
    }

    #[test]
    fn across_a_reboot_the_wall_clock_measures_the_time_off() {
        let time = fresh(NOW_MS);
        let made_ms = time.now_ms();
        let later = at("b", MINUTE_MS, NOW_MS + MINUTE_MS + 3 * DAY_MS);
        let again = StationTime::resume(Some(time.mark().clone()), later);
        assert_eq!(again.now_ms() - made_ms, 3 * DAY_MS);
    }

    #[test]
    fn after_an_offline_boot_the_time_server_corrects_the_time_off() {
        let time = fresh(NOW_MS);
        let made_ms = time.now_ms();
        let lost = at("b", MINUTE_MS, 0);
        let mut again = StationTime::resume(Some(time.mark().clone()), lost);
        assert_eq!(again.now_ms() - made_ms, MINUTE_MS, "only this boot counts");
        // A restart of the program in between changes nothing.
        again = StationTime::resume(
            Some(again.mark().clone()),
            at("b", 2 * MINUTE_MS, MINUTE_MS),
        );
        let set = at("b", 3 * MINUTE_MS, NOW_MS + MINUTE_MS + 3 * DAY_MS);
        assert!(again.advance(set).is_some());
        assert_eq!(again.now_ms() - made_ms, 3 * DAY_MS);
    }

    #[test]
    fn a_boot_without_a_valid_clock_gives_no_time_off() {
        let time = fresh(5 * MINUTE_MS);
        let made_ms = time.now_ms();
        let again = StationTime::resume(Some(time.mark().clone()), at("b", MINUTE_MS, NOW_MS));
        assert_eq!(again.now_ms() - made_ms, MINUTE_MS);
    }

    #[test]
    fn a_clock_that_was_ahead_before_a_reboot_does_not_delay_expiry() {
        let time = fresh(NOW_MS + 400 * DAY_MS);
        let made_ms = time.now_ms();
        let mut again = StationTime::resume(Some(time.mark().clone()), at("b", MINUTE_MS, NOW_MS));
        again.advance(at("b", 30 * HOUR_MS, NOW_MS + 30 * HOUR_MS - MINUTE_MS));
        assert_eq!(again.now_ms() - made_ms, 30 * HOUR_MS);
    }
}
