//! The shutter's timetable in local time. Pure; daylight saving needs no code of its own, because only the time
//! on the wall is compared.

use jiff::civil::{DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

/// A span of time in which the shutter is to be closed, or open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleEntry {
    /// On which days it begins; empty: every day.
    #[serde(default)]
    pub(crate) days: Vec<Day>,
    /// `HH:MM`.
    pub(crate) from: String,
    /// `HH:MM`; not later than `from`: on the next day.
    pub(crate) to: String,
    pub(crate) state: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wanted {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

impl ScheduleEntry {
    /// Why the entry is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        for text in [&self.from, &self.to] {
            time(text).ok_or_else(|| format!("{text} is no time: HH:MM, from 00:00 to 23:59"))?;
        }
        Ok(())
    }

    fn covers(&self, now: DateTime) -> bool {
        let (Some(from), Some(to)) = (time(&self.from), time(&self.to)) else {
            return false;
        };
        let is_on = |day: Weekday| {
            self.days.is_empty() || self.days.iter().any(|listed| listed.weekday() == day)
        };
        let (today, at) = (now.date().weekday(), now.time());
        if from < to {
            is_on(today) && (from..to).contains(&at)
        } else {
            (is_on(today) && at >= from) || (is_on(today.previous()) && at < to)
        }
    }
}

fn time(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let is_two_digits =
        |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_two_digits(hours) || !is_two_digits(minutes) {
        return None;
    }
    Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

/// What the timetable wants at this local time; `None`: nothing. If entries overlap, closed wins.
pub(crate) fn wanted(entries: &[ScheduleEntry], now: DateTime) -> Option<Wanted> {
    let mut covering = entries.iter().filter(|entry| entry.covers(now)).peekable();
    covering.peek()?;
    let is_closed = covering.any(|entry| entry.state == Wanted::Closed);
    Some(if is_closed {
        Wanted::Closed
    } else {
        Wanted::Open
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use jiff::{Span, Timestamp};

    use super::*;

    fn entry(days: &[Day], from: &str, to: &str, state: Wanted) -> ScheduleEntry {
        ScheduleEntry {
            days: days.to_vec(),
            from: from.to_owned(),
            to: to.to_owned(),
            state,
        }
    }

    #[test]
    fn entries_cover_their_days_and_times() {
        let lunch = [entry(
            &[Day::Mon, Day::Tue],
            "12:00",
            "13:30",
            Wanted::Closed,
        )];
        let monday = date(2026, 11, 30);
        let at = |hour, minute| wanted(&lunch, monday.at(hour, minute, 0, 0));
        assert_eq!(at(11, 59), None);
        assert_eq!(at(12, 0), Some(Wanted::Closed));
        assert_eq!(at(13, 29), Some(Wanted::Closed));
        assert_eq!(at(13, 30), None);
        assert_eq!(wanted(&lunch, date(2026, 12, 2).at(12, 30, 0, 0)), None);
    }

    #[test]
    fn an_entry_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = [entry(&[Day::Fri], "22:00", "06:00", Wanted::Closed)];
        let friday = date(2026, 11, 27);
        let saturday = date(2026, 11, 28);
        assert_eq!(wanted(&night, friday.at(5, 0, 0, 0)), None);
        assert_eq!(wanted(&night, friday.at(22, 0, 0, 0)), Some(Wanted::Closed));
        assert_eq!(
            wanted(&night, saturday.at(5, 59, 0, 0)),
            Some(Wanted::Closed)
        );
        assert_eq!(wanted(&night, saturday.at(23, 0, 0, 0)), None);
        let always = [entry(&[], "00:00", "00:00", Wanted::Closed)];
        assert_eq!(wanted(&always, friday.at(0, 0, 0, 0)), Some(Wanted::Closed));
    }

    #[test]
    fn closed_wins_over_open() {
        let entries = [
            entry(&[], "08:00", "18:00", Wanted::Open),
            entry(&[], "12:00", "13:00", Wanted::Closed),
        ];
        let day = date(2026, 11, 30);
        assert_eq!(wanted(&entries, day.at(9, 0, 0, 0)), Some(Wanted::Open));
        assert_eq!(wanted(&entries, day.at(12, 0, 0, 0)), Some(Wanted::Closed));
        assert_eq!(wanted(&entries, day.at(20, 0, 0, 0)), None);
    }

    /// Minutes in which the entry is on, on a day with a change of the clock.
    fn covered_minutes(zone: &TimeZone, from: Timestamp, entries: &[ScheduleEntry]) -> usize {
        (0..20 * 60)
            .filter(|minute| {
                let at = from + Span::new().minutes(*minute);
                wanted(entries, zone.to_datetime(at)).is_some()
            })
            .count()
    }

    #[test]
    fn on_days_when_the_clock_changes_the_time_on_the_wall_counts() {
        // Central Europe, as a rule that needs no database of time zones.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule");
        let night = [entry(&[], "01:00", "04:00", Wanted::Closed)];
        let covered = |start: &str| {
            let start = start.parse().expect("a time");
            covered_minutes(&zone, start, &night)
        };
        assert_eq!(covered("2026-03-28T23:00:00Z"), 120, "an hour is left out");
        assert_eq!(covered("2026-10-24T22:00:00Z"), 240, "an hour comes twice");
        assert_eq!(covered("2026-06-01T22:00:00Z"), 180);
    }

    #[test]
    fn wrong_times_are_refused() {
        for wrong in [
            "", "8:00", "24:00", "12:60", "12", "12:00:00", "ab:cd", "+1:00",
        ] {
            let entry = entry(&[], wrong, "12:00", Wanted::Open);
            assert!(entry.check().is_err(), "{wrong}");
        }
        assert_eq!(entry(&[], "00:00", "23:59", Wanted::Open).check(), Ok(()));
    }
}
