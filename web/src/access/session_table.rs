//! The sessions that browsers have for the admin token: who is signed in until when. Pure.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// A working day: a phone that is lost in the evening has no access the next morning.
const LASTS: Duration = Duration::from_hours(12);
/// overflow: newest-wins: the oldest session ends. Owners have few browsers, and only the token opens a
/// session.
const SESSIONS_MAX: usize = 64;

/// Expiry times by the digest of each session's name, so that look-up times and the file tell nothing about the
/// names.
#[derive(Debug, Default)]
pub(crate) struct SessionTable {
    end_at: HashMap<String, Instant>,
}

/// The table as it is kept: expiry times, in seconds since 1970, by digest.
pub(crate) type KeptSessions = BTreeMap<String, u64>;

impl SessionTable {
    /// What was kept, at `now` and `now_unix_s`. A session that would last longer than a new one is left out: the
    /// clock was set back since, and does not tell when it ends.
    pub(crate) fn from_kept(kept: KeptSessions, now: Instant, now_unix_s: u64) -> Self {
        let remaining = |(digest, until_unix_s): (String, u64)| {
            let rest = Duration::from_secs(until_unix_s.checked_sub(now_unix_s)?);
            (rest <= LASTS).then_some((digest, now + rest))
        };
        Self {
            end_at: kept
                .into_iter()
                .filter_map(remaining)
                .take(SESSIONS_MAX)
                .collect(),
        }
    }

    pub(crate) fn to_kept(&self, now: Instant, now_unix_s: u64) -> KeptSessions {
        let open = self.end_at.iter().filter(|(_, at)| **at > now);
        open.map(|(digest, at)| {
            let rest = at.duration_since(now).as_secs();
            (digest.clone(), now_unix_s + rest)
        })
        .collect()
    }

    pub(crate) fn open(&mut self, digest: String, now: Instant) {
        self.end_at.retain(|_, at| *at > now);
        if self.end_at.len() >= SESSIONS_MAX
            && let Some((oldest, _)) = self.end_at.iter().min_by_key(|(_, at)| **at)
        {
            let oldest = oldest.clone();
            self.end_at.remove(&oldest);
        }
        self.end_at.insert(digest, now + LASTS);
    }

    pub(crate) fn is_open(&self, digest: &str, now: Instant) -> bool {
        self.end_at.get(digest).is_some_and(|at| *at > now)
    }

    pub(crate) fn end(&mut self, digest: &str) {
        self.end_at.remove(digest);
    }

    pub(crate) fn end_all(&mut self) {
        self.end_at.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn with(digests: &[&str], start: Instant) -> SessionTable {
        let mut table = SessionTable::default();
        for (n, digest) in digests.iter().enumerate() {
            table.open((*digest).to_owned(), start + SECOND * n as u32);
        }
        table
    }

    #[test]
    fn a_session_ends_by_expiry_log_out_or_log_out_everywhere() {
        let start = Instant::now();
        let mut table = with(&["a", "b"], start);
        assert!(
            table.is_open("a", start) && table.is_open("b", start) && !table.is_open("", start)
        );
        table.end("a");
        assert!(!table.is_open("a", start) && table.is_open("b", start));
        assert!(table.is_open("b", start + LASTS));
        assert!(!table.is_open("b", start + SECOND + LASTS));
        table.open("c".to_owned(), start);
        table.end_all();
        assert!(!table.is_open("c", start));
    }

    #[test]
    fn the_number_of_sessions_is_bounded_and_the_oldest_ends() {
        let start = Instant::now();
        let digests: Vec<String> = (0..=SESSIONS_MAX).map(|n| n.to_string()).collect();
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let table = with(&digests, start);
        let now = start + SECOND * SESSIONS_MAX as u32;
        let open = digests.iter().filter(|digest| table.is_open(digest, now));
        assert_eq!(open.count(), SESSIONS_MAX);
        assert!(!table.is_open("0", now));
    }

    #[test]
    fn a_kept_session_ends_when_it_would_have_ended() {
        let start = Instant::now();
        let kept = with(&["a"], start).to_kept(start + SECOND, 1001);
        // The program starts again an hour later, on another monotonic clock.
        let again = start + SECOND * 50;
        let table = SessionTable::from_kept(kept.clone(), again, 1000 + 3600);
        let left = LASTS - SECOND * 3600;
        assert!(table.is_open("a", again + left - SECOND));
        assert!(!table.is_open("a", again + left));
        let too_late = SessionTable::from_kept(kept, again, 1000 + LASTS.as_secs());
        assert!(!too_late.is_open("a", again));
    }

    #[test]
    fn a_clock_that_was_set_back_prolongs_no_session() {
        let start = Instant::now();
        let kept = with(&["a"], start).to_kept(start, 1000);
        let table = SessionTable::from_kept(kept, start, 0);
        assert!(!table.is_open("a", start));
    }
}
