//! A candidate pair and its state, and the anti-amplification budget for unproven addresses. Pure.

use std::time::{Duration, Instant};

use super::check::Role;
use crate::transport::runs::{Path, TransportProtocol};

/// First retransmission timeout; exponential back-off doubles it each time (RFC 8445 14.3).
const RETRANSMISSION_TIMEOUT: Duration = Duration::from_millis(500);
/// Unanswered checks per pair (RFC 8489 6.2.1), until a check of the viewer restarts them.
pub(super) const CHECKS_MAX: u32 = 7;
/// How long a response to a check is consent to send (RFC 7675 5.1).
pub(super) const CONSENT_LIFETIME: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) path: Path,
    /// Candidate priority of each side.
    pub(super) local_priority: u32,
    pub(super) remote_priority: u32,
    /// When the viewer last answered a check on this pair.
    pub(super) answered_at: Option<Instant>,
    /// The shortest time that an answer took.
    pub(super) round_trip: Option<Duration>,
    pub(super) nominated_at: Option<Instant>,
    /// A check is to be sent as soon as pacing allows.
    pub(super) is_triggered: bool,
    /// Checks since the last response, or since the viewer's last check.
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
            round_trip: None,
            nominated_at: None,
            is_triggered: false,
            checks: 0,
            checked_at: None,
        }
    }

    /// Whether the viewer has ever answered here, which proves that it owns the address.
    pub(super) fn is_proven(&self) -> bool {
        self.answered_at.is_some()
    }

    /// Whether media may be sent.
    pub(super) fn is_consented(&self, now: Instant) -> bool {
        let lasts = |at| now.saturating_duration_since(at) < CONSENT_LIFETIME;
        self.answered_at.is_some_and(lasts)
    }

    /// Pair priority (RFC 8445 6.1.2.3).
    pub(super) fn priority(&self, role: Role) -> u64 {
        let (controlling, controlled) = match role {
            Role::Controlling => (self.local_priority, self.remote_priority),
            Role::Controlled => (self.remote_priority, self.local_priority),
        };
        let (g, d) = (u64::from(controlling), u64::from(controlled));
        (g.min(d) << 32) + 2 * g.max(d) + u64::from(g > d)
    }

    /// Schedules a triggered check: the viewer's check shows that ours may get through now (RFC 8445 7.3.1.4).
    pub(super) fn trigger(&mut self) {
        self.is_triggered = true;
        self.checks = 0;
    }

    pub(super) fn note_check(&mut self, now: Instant) {
        self.is_triggered = false;
        self.checks += 1;
        self.checked_at = Some(now);
    }

    pub(super) fn note_answer(&mut self, now: Instant, asked_at: Instant) {
        let round_trip = now.saturating_duration_since(asked_at);
        self.round_trip = Some(
            self.round_trip
                .map_or(round_trip, |best| best.min(round_trip)),
        );
        self.answered_at = Some(now);
        self.is_triggered = false;
        self.checks = 0;
    }

    /// When an unanswered check is retransmitted.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let waits = !self.is_proven() && (1..CHECKS_MAX).contains(&self.checks);
        let wait =
            RETRANSMISSION_TIMEOUT * 2_u32.pow(self.checks.saturating_sub(1).min(CHECKS_MAX));
        self.checked_at.filter(|_| waits).map(|at| at + wait)
    }
}

/// IP and UDP header sizes.
const HEADERS_V4_BYTES: usize = 20 + 8;
const HEADERS_V6_BYTES: usize = 40 + 8;

#[derive(Debug, Clone, Copy)]
/// Anti-amplification budget: bytes that may be sent to addresses that are not proven.
pub(super) struct SendBudget {
    bytes: usize,
    /// The budget after an address was proven.
    full_bytes: usize,
}

impl SendBudget {
    /// The budget of a session whose request had this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            full_bytes: bytes,
        }
    }

    /// Adds the size of an authenticated check from an unproven address.
    pub(super) fn earn(&mut self, path: Path, bytes: usize) {
        self.bytes += bytes + headers_bytes(path);
    }

    /// Spends the size of a datagram. Returns `false` if the budget is too small.
    pub(super) fn spend(&mut self, path: Path, bytes: usize) -> bool {
        // Completing a TCP handshake proves the address.
        if path.protocol == TransportProtocol::Tcp {
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
