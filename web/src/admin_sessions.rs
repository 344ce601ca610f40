//! Who has shown the admin token: each browser has a session of its own, which lives here, ends by itself
//! and can be ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// A working day at the station. A phone that was lost in the evening opens nothing the next morning.
const LASTS: Duration = Duration::from_hours(12);
/// overflow: newest-wins: an owner has a few browsers, and only the token makes a session.
const SESSIONS_MAX: usize = 64;

type SessionDigest = [u8; 32];

/// By the digest of each session's name: how long a look-up takes tells nothing of the names there are.
#[derive(Debug, Default)]
pub(crate) struct AdminSessions(Mutex<HashMap<SessionDigest, Instant>>);

impl AdminSessions {
    /// A new session; its name, for the cookie.
    pub(crate) fn open(&self, now: Instant) -> String {
        let name = format!("{:032x}", rand::random::<u128>());
        let mut end_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_at.retain(|_, at| *at > now);
        if end_at.len() >= SESSIONS_MAX
            && let Some(oldest) = end_at
                .iter()
                .min_by_key(|(_, at)| **at)
                .map(|(key, _)| *key)
        {
            end_at.remove(&oldest);
        }
        end_at.insert(digest(&name), now + LASTS);
        name
    }

    pub(crate) fn is_open(&self, name: &str, now: Instant) -> bool {
        let end_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_at.get(&digest(name)).is_some_and(|at| *at > now)
    }

    pub(crate) fn end(&self, name: &str) {
        let mut end_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_at.remove(&digest(name));
    }

    /// Ends those of all browsers.
    pub(crate) fn end_all(&self) {
        let mut end_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        end_at.clear();
    }
}

fn digest(name: &str) -> SessionDigest {
    Sha256::digest(name).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_time_with_log_out_or_with_all() {
        let start = Instant::now();
        let sessions = AdminSessions::default();
        let (first, second) = (sessions.open(start), sessions.open(start));
        assert_ne!(first, second);
        assert!(sessions.is_open(&first, start) && sessions.is_open(&second, start));
        assert!(!sessions.is_open("", start) && !sessions.is_open(&first[1..], start));
        sessions.end(&first);
        assert!(!sessions.is_open(&first, start) && sessions.is_open(&second, start));
        assert!(sessions.is_open(&second, start + LASTS - Duration::from_secs(1)));
        assert!(!sessions.is_open(&second, start + LASTS));
        let third = sessions.open(start + LASTS);
        sessions.end_all();
        assert!(!sessions.is_open(&third, start + LASTS));
    }

    #[test]
    fn there_are_only_so_many_and_the_oldest_goes() {
        let start = Instant::now();
        let sessions = AdminSessions::default();
        let names: Vec<String> = (0..=SESSIONS_MAX)
            .map(|n| sessions.open(start + Duration::from_secs(n as u64)))
            .collect();
        let now = start + Duration::from_secs(SESSIONS_MAX as u64);
        let open = names.iter().filter(|name| sessions.is_open(name, now));
        assert_eq!(open.count(), SESSIONS_MAX);
        assert!(!sessions.is_open(&names[0], now));
    }
}
