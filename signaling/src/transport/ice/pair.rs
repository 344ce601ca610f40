//! One path between this machine and a viewer, what is known of it, and how much may be sent to
//! addresses that have not shown to be the viewer's. Pure.

use std::time::{Duration, Instant};

use super::check::Role;
use crate::transport::runs::{Carriage, Path};

/// The first wait for an answer; each further one is twice as long (RFC 8445 14.3 forbids less).
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Checks of one path without an answer (RFC 8489 6.2.1), until the viewer's own begins them anew.
pub(super) const CHECKS_MAX: u32 = 7;
/// How long an answer to a check is consent to be sent to (RFC 7675 5.1).
pub(super) const CONSENT_LASTS: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) path: Path,
    /// Of our address, and of the viewer's.
    pub(super) local_priority: u32,
    pub(super) remote_priority: u32,
    /// When the viewer last answered a check of ours on this path.
    pub(super) answered_at: Option<Instant>,
    pub(super) nominated_at: Option<Instant>,
    /// A check is to be sent as soon as the pace allows.
    pub(super) is_triggered: bool,
    /// Since the last answer, or since the viewer's last check.
    checks: u32,
    checked_at: Option<Instant>,
}

impl Pair {
    pub(super) fn new(path: Path, local_priority: u32, remote_priority: u32) -> Self {
        Self {
            path,
            local_priority,
            remote_priority,
            answered_at: None,
            nominated_at: None,
            is_triggered: false,
            checks: 0,
            checked_at: None,
        }
    }

    /// Whether the viewer has ever answered here: the address is its own.
    pub(super) fn is_proven(&self) -> bool {
        self.answered_at.is_some()
    }

    /// Whether it may be sent to.
    pub(super) fn is_consented(&self, now: Instant) -> bool {
        let lasts = |at| now.saturating_duration_since(at) < CONSENT_LASTS;
        self.answered_at.is_some_and(lasts)
    }

    /// RFC 8445 6.1.2.3.
    pub(super) fn priority(&self, role: Role) -> u64 {
        let (controlling, controlled) = match role {
            Role::Controlling => (self.local_priority, self.remote_priority),
            Role::Controlled => (self.remote_priority, self.local_priority),
        };
        let (g, d) = (u64::from(controlling), u64::from(controlled));
        (g.min(d) << 32) + 2 * g.max(d) + u64::from(g > d)
    }

    /// The viewer's check shows that ours may get through by now (RFC 8445 7.3.1.4).
    pub(super) fn trigger(&mut self) {
        self.is_triggered = true;
        self.checks = 0;
    }

    pub(super) fn note_check(&mut self, now: Instant) {
        self.is_triggered = false;
        self.checks += 1;
        self.checked_at = Some(now);
    }

    pub(super) fn note_answer(&mut self, now: Instant) {
        self.answered_at = Some(now);
        self.is_triggered = false;
        self.checks = 0;
    }

    /// When a check that was not answered is to be repeated.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let waits = !self.is_proven() && (1..CHECKS_MAX).contains(&self.checks);
        let wait = RETRY_FIRST * 2_u32.pow(self.checks.saturating_sub(1).min(CHECKS_MAX));
        self.checked_at.filter(|_| waits).map(|at| at + wait)
    }
}

/// What the network adds to a datagram.
const HEADERS_V4_BYTES: usize = 20 + 8;
const HEADERS_V6_BYTES: usize = 40 + 8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    bytes: usize,
    /// The allowance after an address has proved to be the viewer's.
    full_bytes: usize,
}

impl Allowance {
    /// Of a session that brought this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            full_bytes: bytes,
        }
    }

    /// A check of the viewer's has come from there.
    pub(super) fn earn(&mut self, path: Path, bytes: usize) {
        self.bytes += bytes + headers_bytes(path);
    }

    /// Takes what a datagram costs. `false`: there is too little left.
    pub(super) fn spend(&mut self, path: Path, bytes: usize) -> bool {
        // Who completes a TCP handshake has shown that the address is its own.
        if path.carriage == Carriage::Tcp {
            return true;
        }
        let left = self.bytes.checked_sub(bytes + headers_bytes(path));
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }

    pub(super) fn refill(&mut self) {
        self.bytes = self.bytes.max(self.full_bytes);
    }
}

fn headers_bytes(path: Path) -> usize {
    if path.remote.is_ipv4() {
        HEADERS_V4_BYTES
    } else {
        HEADERS_V6_BYTES
    }
}
