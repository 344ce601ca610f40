//! ICE (RFC 8445) for one set of credentials: connectivity checks, nomination, and consent freshness (RFC
//! 7675). Without socket and clock. docs/ice.md goes through the RFCs requirement by requirement.
//!
//! Viewers send checks and the station responds: no address is sent to because an offer names it. Each
//! authenticated check triggers one back to its source, and media goes only where that was answered.
//! Neither a replayed check nor a forged source address can therefore redirect a stream, which both
//! could with ICE lite. The one exception is a viewer that is itself lite and never checks: its addresses
//! are checked from here, within the anti-amplification budget of [`SendBudget`].
//!
//! The WebRTC library's agent (rtc-ice 0.21.1) is not used, because it keeps its first nominated pair for
//! good, so that a viewer that moves to another network is lost; it ignores a nomination that arrives
//! before our own check of that pair was answered; and its restart drops the working path before there
//! is another.

mod check;
mod pair;
mod receiving;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::crypto::RTCCryptoProvider;

use self::check::Checks;
pub(crate) use self::check::{CheckCredentials, Role};
use self::pair::{Pair, SendBudget};
use super::runs::{Path, Run, TransportProtocol};
use super::stun::TransactionId;
use crate::sdp::{Credentials, RemoteCandidate};

/// Minimum interval of consent checks; up to half of it is added at random (RFC 7675 5.1).
const CONSENT_INTERVAL_MIN: Duration = Duration::from_secs(4);
/// Minimum time between two checks (Ta, RFC 8445 14.2).
const PACE: Duration = Duration::from_millis(5);
/// A nomination older than this yields to a newer one of any priority. Browsers repeat the nomination of
/// the pair they use at least every 2.5 s.
const NOMINATION_STALE: Duration = Duration::from_secs(3);
/// Maximum candidate pairs per viewer.
const PAIRS_MAX: usize = 32;
/// Maximum checks without a response yet.
const OUTSTANDING_MAX: usize = 128;

/// The timeouts of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IceTimeouts {
    /// Time without received packets until sending stops.
    pub(crate) disconnected: Duration,
    /// Further time until the viewer is removed.
    pub(crate) failed: Duration,
}

/// The state of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IceState {
    /// No working path yet.
    Checking,
    /// A path is selected and works.
    Up,
    /// Nothing was received on the selected path for a while.
    Silent,
    /// Consent or connectivity was lost for good.
    Failed,
}

/// The result of handling a STUN message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StunResult {
    /// Not authenticated as this agent's viewer.
    Unauthenticated,
    Handled,
    /// Validates this path for the first time.
    Validated,
}

/// The parameters of an agent.
pub(crate) struct IceConfig<'a> {
    pub(crate) names: Arc<CheckCredentials>,
    pub(crate) remote: Credentials,
    pub(crate) role: Role,
    /// Local addresses, best first.
    pub(crate) addresses: &'a [IpAddr],
    pub(crate) times: IceTimeouts,
    /// Size of the request that received these credentials, for the anti-amplification budget.
    pub(crate) request_bytes: usize,
    pub(crate) crypto: Arc<dyn RTCCryptoProvider>,
}

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    at: Instant,
    transaction: TransactionId,
    path: Path,
    role: Role,
    nominates: bool,
}

/// ICE for one set of credentials.
pub(crate) struct IceAgent {
    checks: Checks,
    addresses: Vec<IpAddr>,
    times: IceTimeouts,
    pairs: Vec<Pair>,
    outstanding: VecDeque<Outstanding>,
    selected: Option<Path>,
    /// When the viewer was last heard on the selected path.
    heard_at: Instant,
    consent_due: Instant,
    next_check: Instant,
    budget: SendBudget,
    was_checked: bool,
    state: IceState,
    out: Vec<Run>,
}

impl IceAgent {
    pub(crate) fn new(now: Instant, config: IceConfig<'_>) -> Self {
        Self {
            checks: Checks::new(config.names, config.remote, config.role, config.crypto),
            addresses: config.addresses.to_vec(),
            times: config.times,
            pairs: Vec::new(),
            outstanding: VecDeque::new(),
            selected: None,
            heard_at: now,
            consent_due: now,
            next_check: now,
            budget: SendBudget::new(config.request_bytes),
            was_checked: false,
            state: IceState::Checking,
            out: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> IceState {
        self.state
    }

    /// Whether the viewer has ever sent or answered a check.
    pub(crate) fn was_checked(&self) -> bool {
        self.was_checked
    }

    /// The selected path.
    pub(crate) fn path(&self) -> Option<Path> {
        self.selected
    }

    /// The shortest round trip of a check on the selected path.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.known(self.selected?)?.round_trip
    }

    /// The selected path, or else the best working one: a handshake need not wait for the nomination
    /// (RFC 8445 12.1.1).
    pub(crate) fn best_path(&self, now: Instant) -> Option<Path> {
        let working = self.pairs.iter().filter(|pair| pair.is_consented(now));
        let best = working.max_by_key(|pair| pair.priority(self.checks.role));
        self.selected.or(best.map(|pair| pair.path))
    }

    /// A local address of the same family, for systems that do not report where a datagram was sent to.
    pub(crate) fn address_like(&self, remote: IpAddr) -> Option<IpAddr> {
        let mut addresses = self.addresses.iter().copied();
        addresses.find(|ip| ip.is_ipv4() == remote.is_ipv4())
    }

    /// Adds an address of an ICE lite viewer, paired with all local addresses.
    pub(crate) fn add_remote(&mut self, candidate: &RemoteCandidate) {
        let remote = candidate.addr;
        for local in self.addresses.clone() {
            if local.is_ipv4() == remote.is_ipv4() {
                let path = Path {
                    protocol: TransportProtocol::Udp,
                    local,
                    remote,
                };
                let index = self.pair(path, candidate.priority);
                self.pairs[index].trigger();
            }
        }
    }

    /// Call for each authenticated packet from the viewer.
    pub(crate) fn heard(&mut self, now: Instant, path: Path) {
        if self.selected == Some(path) {
            self.heard_at = now;
            if self.state == IceState::Silent {
                self.state = IceState::Up;
            }
        }
    }

    /// Call after this process was suspended for `pause`: receiving nothing meanwhile is no fault of the
    /// viewer. Consent is not extended by that.
    pub(crate) fn resume(&mut self, now: Instant, pause: Duration) {
        self.heard_at = (self.heard_at + pause).min(now);
    }

    /// Removes a path whose connection has ended.
    pub(crate) fn close_path(&mut self, now: Instant, path: Path) {
        self.pairs.retain(|pair| pair.path != path);
        self.outstanding.retain(|out| out.path != path);
        if self.selected != Some(path) {
            return;
        }
        self.selected = None;
        if self.state == IceState::Up {
            self.state = IceState::Silent;
        }
        let working = self.pairs.iter().filter(|pair| pair.is_consented(now));
        let next = working.max_by_key(|pair| pair.nominated_at);
        if let Some(pair) = next.filter(|pair| pair.nominated_at.is_some()) {
            self.select(now, pair.path);
        }
    }

    /// Handles the passing of time.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.check_silence(now);
        if self.state == IceState::Failed {
            return;
        }
        if let Some(path) = self.selected
            && self.consent_due <= now
        {
            self.consent_due = now + consent_interval();
            let pair = self.pairs.iter_mut().find(|pair| pair.path == path);
            if let Some(pair) = pair {
                pair.is_triggered = true;
            }
        }
        self.send_checks(now);
    }

    /// When [`Self::tick`] is next due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let silence = match self.state {
            IceState::Failed => return None,
            IceState::Up => self.times.disconnected,
            IceState::Checking | IceState::Silent => self.times.disconnected + self.times.failed,
        };
        let check = self.pairs.iter().filter_map(|pair| self.check_at(pair));
        let consent = self.selected.map(|_| self.consent_due);
        check.chain(consent).chain([self.heard_at + silence]).min()
    }

    /// Appends the datagrams to send.
    pub(crate) fn drain(&mut self, out: &mut Vec<Run>) {
        out.append(&mut self.out);
    }

    fn check_silence(&mut self, now: Instant) {
        let silence = now.saturating_duration_since(self.heard_at);
        let selected = self.selected.and_then(|path| self.known(path));
        let refused = selected.is_some_and(|pair| !pair.is_consented(now));
        if refused || silence >= self.times.disconnected + self.times.failed {
            self.state = IceState::Failed;
            self.selected = None;
        } else if silence >= self.times.disconnected && self.state == IceState::Up {
            self.state = IceState::Silent;
        }
    }

    /// Selects a nominated, working pair if it should replace the current one: browsers nominate several
    /// at first.
    fn consider_nomination(&mut self, now: Instant, index: usize) {
        let candidate = self.pairs[index];
        if candidate.nominated_at.is_none() || self.selected == Some(candidate.path) {
            return;
        }
        let present = self.selected.and_then(|path| self.known(path));
        let stays = present.is_some_and(|present| {
            let fresh = present
                .nominated_at
                .is_some_and(|at| now.saturating_duration_since(at) < NOMINATION_STALE);
            let role = self.checks.role;
            fresh && present.priority(role) >= candidate.priority(role)
        });
        if !stays {
            self.select(now, candidate.path);
        }
    }

    fn select(&mut self, now: Instant, path: Path) {
        self.selected = Some(path);
        self.heard_at = now;
        self.consent_due = now + consent_interval();
        self.state = IceState::Up;
    }

    fn known(&self, path: Path) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.path == path)
    }

    /// Finds or adds the pair of this path. When full, the oldest least useful pair is removed.
    fn pair(&mut self, path: Path, remote_priority: u32) -> usize {
        if let Some(known) = self.pairs.iter().position(|pair| pair.path == path) {
            return known;
        }
        if self.pairs.len() >= PAIRS_MAX {
            let unproven = self.pairs.iter().position(|pair| !pair.is_proven());
            let mut all = self.pairs.iter();
            let unused = || all.position(|pair| self.selected != Some(pair.path));
            self.pairs.remove(unproven.or_else(unused).unwrap_or(0));
        }
        let mut addresses = self.addresses.iter();
        let place = addresses.position(|ip| *ip == path.local);
        let place = place.unwrap_or(self.addresses.len());
        let local_priority = crate::transport::candidates::host_priority(path.protocol, place);
        self.pairs
            .push(Pair::new(path, local_priority, remote_priority));
        self.pairs.len() - 1
    }

    /// When a pair is to be checked next.
    fn check_at(&self, pair: &Pair) -> Option<Instant> {
        let retry = pair.retry_at().filter(|_| self.selected.is_none());
        let due = if pair.is_triggered {
            Some(self.next_check)
        } else {
            retry
        };
        due.map(|at| at.max(self.next_check))
    }

    /// Sends the checks that are due, at the pace of [`PACE`], triggered checks first.
    fn send_checks(&mut self, now: Instant) {
        while self.next_check <= now {
            let due = |pair: &Pair| self.check_at(pair).is_some_and(|at| at <= now);
            let all = self.pairs.iter().enumerate().filter(|(_, pair)| due(pair));
            let next = all.min_by_key(|(_, pair)| !pair.is_triggered);
            let Some((index, pair)) = next else { return };
            let (path, priority) = (pair.path, pair.local_priority);
            let role = self.checks.role;
            let nominates = role == Role::Controlling && pair.is_proven();
            self.pairs[index].note_check(now);
            let Some((transaction, bytes)) = self.checks.request(priority, nominates) else {
                return;
            };
            if self.outstanding.len() >= OUTSTANDING_MAX {
                self.outstanding.pop_front();
            }
            self.outstanding.push_back(Outstanding {
                at: now,
                transaction,
                path,
                role,
                nominates,
            });
            self.next_check = now + PACE;
            self.send(path, Some(bytes));
        }
    }

    /// Sends to a proven address, or to an unproven one within the budget.
    fn send(&mut self, path: Path, bytes: Option<BytesMut>) {
        let Some(bytes) = bytes else { return };
        let proven = self.known(path).is_some_and(Pair::is_proven);
        if proven || self.budget.spend(path, bytes.len()) {
            self.out.push(Run::single(path, bytes));
        }
    }
}

fn consent_interval() -> Duration {
    let share = f64::from(rand::random::<u16>()) / f64::from(u16::MAX);
    CONSENT_INTERVAL_MIN + CONSENT_INTERVAL_MIN.mul_f64(share / 2.0)
}
