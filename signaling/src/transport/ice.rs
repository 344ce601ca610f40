//! ICE (RFC 8445) for one set of credentials: which paths work, which one the viewer wants, and
//! whether it still agrees to be sent to (RFC 7675). No socket, no clock. docs/ice.md goes through
//! the RFCs requirement by requirement.
//!
//! Viewers check, the station answers: no address is sent to because an offer names it. Each check that
//! is the viewer's provokes one back to where it came from, and media goes only where that was
//! answered. Neither a replayed check nor a forged source address can therefore move a stream, which
//! with ICE lite both could. The one exception is a viewer that is itself lite and never checks: its
//! addresses are checked from here, within the [`Allowance`].
//!
//! Not the WebRTC library's agent, for three things that agent (rtc-ice 0.21.1) does not do: it
//! keeps its first nominated pair for good, so a viewer that moves to another of its networks is
//! lost; it neither answers nor remembers a nomination that comes before our own check of that path
//! was answered; and its restart gives up the working path before there is another.

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
pub(crate) use self::check::{CheckNames, Role};
use self::pair::{Allowance, Pair};
use super::runs::{Carriage, Path, Run};
use super::stun::TransactionId;
use crate::sdp::{Credentials, RemoteCandidate};

/// How often consent is asked for: this and up to half of it more, at random, but never sooner (RFC
/// 7675 5.1).
const CONSENT_INTERVAL_LEAST: Duration = Duration::from_secs(4);
/// The least time between two checks (Ta, RFC 8445 14.2).
const PACE: Duration = Duration::from_millis(5);
/// A nomination this old yields to a newer one, whichever has the higher priority: browsers repeat
/// that of the path they use every 2.5 s at least.
const NOMINATION_STALE: Duration = Duration::from_secs(3);
/// Paths of one viewer.
const PAIRS_MAX: usize = 32;
/// Checks whose answer is awaited.
const OUTSTANDING_MAX: usize = 128;

/// How long ICE waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IceTimes {
    /// Silence after which sending stops.
    pub(crate) disconnected: Duration,
    /// Further silence after which the viewer is given up.
    pub(crate) failed: Duration,
}

/// How a set of credentials stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IceState {
    /// No path yet.
    Checking,
    /// There is a path.
    Up,
    /// Nothing was heard on it for a while.
    Silent,
    /// Given up.
    Failed,
}

/// What a STUN message was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// Not of this agent's viewer, as far as anybody can prove.
    Foreign,
    Taken,
    /// It shows for the first time that this path leads to the viewer.
    Proof,
}

/// What an agent is made with.
pub(crate) struct IceTerms<'a> {
    pub(crate) names: Arc<CheckNames>,
    pub(crate) remote: Credentials,
    pub(crate) role: Role,
    /// Our addresses, best first.
    pub(crate) addresses: &'a [IpAddr],
    pub(crate) times: IceTimes,
    /// The length of the request that these credentials came with.
    pub(crate) brought_bytes: usize,
    pub(crate) crypto: Arc<dyn RTCCryptoProvider>,
}

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    transaction: TransactionId,
    path: Path,
    role: Role,
    nominates: bool,
}

/// ICE for one set of credentials.
pub(crate) struct IceAgent {
    checks: Checks,
    addresses: Vec<IpAddr>,
    times: IceTimes,
    pairs: Vec<Pair>,
    outstanding: VecDeque<Outstanding>,
    selected: Option<Path>,
    /// When the viewer was last heard on the selected path.
    heard_at: Instant,
    consent_due: Instant,
    next_check: Instant,
    allowance: Allowance,
    was_checked: bool,
    state: IceState,
    out: Vec<Run>,
}

impl IceAgent {
    pub(crate) fn new(now: Instant, terms: IceTerms<'_>) -> Self {
        Self {
            checks: Checks::new(terms.names, terms.remote, terms.role, terms.crypto),
            addresses: terms.addresses.to_vec(),
            times: terms.times,
            pairs: Vec::new(),
            outstanding: VecDeque::new(),
            selected: None,
            heard_at: now,
            consent_due: now,
            next_check: now,
            allowance: Allowance::new(terms.brought_bytes),
            was_checked: false,
            state: IceState::Checking,
            out: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> IceState {
        self.state
    }

    /// Whether the viewer has ever checked a path, or answered on one.
    pub(crate) fn was_checked(&self) -> bool {
        self.was_checked
    }

    /// The path that packets take.
    pub(crate) fn path(&self) -> Option<Path> {
        self.selected
    }

    /// The selected path, or the best that works: an answer to a handshake need not wait for the
    /// viewer's choice (RFC 8445 12.1.1).
    pub(crate) fn best_path(&self, now: Instant) -> Option<Path> {
        let working = self.pairs.iter().filter(|pair| pair.is_consented(now));
        let best = working.max_by_key(|pair| pair.priority(self.checks.role));
        self.selected.or(best.map(|pair| pair.path))
    }

    /// An address of ours of the same family, for a system that does not tell where a datagram was
    /// sent to.
    pub(crate) fn address_like(&self, remote: IpAddr) -> Option<IpAddr> {
        let mut addresses = self.addresses.iter().copied();
        addresses.find(|ip| ip.is_ipv4() == remote.is_ipv4())
    }

    /// Takes an address of a viewer that is lite, to be checked from all of ours.
    pub(crate) fn add_remote(&mut self, candidate: &RemoteCandidate) {
        let remote = candidate.addr;
        for local in self.addresses.clone() {
            if local.is_ipv4() == remote.is_ipv4() {
                let path = Path {
                    carriage: Carriage::Udp,
                    local,
                    remote,
                };
                let index = self.pair(path, candidate.priority);
                self.pairs[index].trigger();
            }
        }
    }

    /// Notes a packet that only the viewer can have sent.
    pub(crate) fn heard(&mut self, now: Instant, path: Path) {
        if self.selected == Some(path) {
            self.heard_at = now;
            if self.state == IceState::Silent {
                self.state = IceState::Up;
            }
        }
    }

    /// This process did nothing for `pause` until now: that nothing was heard meanwhile was its own
    /// doing. What the viewer agreed to before lasts no longer for that.
    pub(crate) fn resume(&mut self, now: Instant, pause: Duration) {
        self.heard_at = (self.heard_at + pause).min(now);
    }

    /// Forgets a path that is gone for good: its connection ended.
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

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.follow_silence(now);
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

    /// Appends what is to be sent.
    pub(crate) fn drain(&mut self, out: &mut Vec<Run>) {
        out.append(&mut self.out);
    }

    fn follow_silence(&mut self, now: Instant) {
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

    /// Moves to a path that works and that is wanted, if it is wanted more than the present one:
    /// browsers nominate several at first.
    fn consider(&mut self, now: Instant, index: usize) {
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

    /// The pair of this path; a new one takes the place of the oldest that matters least.
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
        let local_priority = crate::transport::candidates::host_priority(path.carriage, place);
        self.pairs
            .push(Pair::new(path, local_priority, remote_priority));
        self.pairs.len() - 1
    }

    /// When a pair is to be checked.
    fn check_at(&self, pair: &Pair) -> Option<Instant> {
        let retry = pair.retry_at().filter(|_| self.selected.is_none());
        let due = if pair.is_triggered {
            Some(self.next_check)
        } else {
            retry
        };
        due.map(|at| at.max(self.next_check))
    }

    /// Sends the checks that are due, in their pace, those that the viewer provoked first.
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
                transaction,
                path,
                role,
                nominates,
            });
            self.next_check = now + PACE;
            self.send(path, Some(bytes));
        }
    }

    /// Sends to an address that is the viewer's, or that may be, within what the session has brought.
    fn send(&mut self, path: Path, bytes: Option<BytesMut>) {
        let Some(bytes) = bytes else { return };
        let proven = self.known(path).is_some_and(Pair::is_proven);
        if proven || self.allowance.spend(path, bytes.len()) {
            self.out.push(Run::single(path, bytes));
        }
    }
}

fn consent_interval() -> Duration {
    let share = f64::from(rand::random::<u16>()) / f64::from(u16::MAX);
    CONSENT_INTERVAL_LEAST + CONSENT_INTERVAL_LEAST.mul_f64(share / 2.0)
}
