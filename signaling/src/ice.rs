//! The answering side of ICE (RFC 8445) for one set of credentials: which paths work, which one the
//! viewer wants, and whether it still agrees to be sent to (RFC 7675). No socket, no clock.
//!
//! Not the WebRTC library's agent, for three things that agent (rtc-ice 0.21.1) does not do: it
//! keeps its first nominated pair for good, so a viewer that moves to another of its networks is
//! lost; it neither answers nor remembers a nomination that comes before our own check of that path
//! was answered; and its restart gives up the working path before there is another.

mod check;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::crypto::RTCCryptoProvider;
use rtc::stun::message::TransactionId;

use self::check::{Asked, Checks};
use crate::demux::Kind;
use crate::path::{Carriage, Path};
use crate::runs::Run;
use crate::sdp::RemoteCandidate;

/// How often consent is asked for (RFC 7675 5.1: about every five seconds; sooner notices sooner).
const CONSENT_INTERVAL: Duration = Duration::from_secs(2);
/// Time between checks of one path that is not known to work.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// Checks without an answer after which a path is left to the viewer's own.
const CHECKS_MAX: u8 = 8;
/// The least time between two checks of one path: each of the viewer's provokes one of ours.
const CHECK_LEAST: Duration = Duration::from_millis(20);
/// A nomination this old yields to a newer one, whichever has the higher priority: browsers repeat
/// that of the path they use every 2.5 s at least.
const NOMINATION_STALE: Duration = Duration::from_secs(3);
/// Paths of one viewer; its 16 candidates with 4 addresses of ours.
const PAIRS_MAX: usize = 64;
/// Checks whose answer is awaited.
const OUTSTANDING_MAX: usize = 128;

/// The name and password of one side (RFC 8445 5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

/// Who chooses the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The viewer does, as the one who offered.
    Controlled,
    /// We do: the viewer never checks anything by itself (ICE lite).
    Controlling,
}

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

/// What an agent is made with.
pub(crate) struct IceTerms<'a> {
    pub(crate) local: Credentials,
    pub(crate) remote: Credentials,
    pub(crate) role: Role,
    /// Our addresses, best first.
    pub(crate) addresses: &'a [IpAddr],
    pub(crate) times: IceTimes,
    pub(crate) crypto: Arc<dyn RTCCryptoProvider>,
}

/// One path and what is known of it.
#[derive(Debug, Clone, Copy)]
struct Pair {
    path: Path,
    /// RFC 8445 6.1.2.3.
    priority: u64,
    works: bool,
    nominated_at: Option<Instant>,
    checks: u8,
    checked_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    transaction: TransactionId,
    path: Path,
}

/// ICE for one set of credentials.
pub(crate) struct IceAgent {
    checks: Checks,
    role: Role,
    addresses: Vec<IpAddr>,
    times: IceTimes,
    pairs: Vec<Pair>,
    outstanding: VecDeque<Outstanding>,
    selected: Option<Path>,
    /// When the viewer was last heard on the selected path.
    heard_at: Instant,
    consent_at: Instant,
    state: IceState,
    out: Vec<Run>,
}

impl IceAgent {
    pub(crate) fn new(now: Instant, terms: IceTerms<'_>) -> Self {
        let IceTerms {
            local,
            remote,
            role,
            addresses,
            times,
            crypto,
        } = terms;
        Self {
            checks: Checks::new(local, remote, role, crypto),
            role,
            addresses: addresses.to_vec(),
            times,
            pairs: Vec::new(),
            outstanding: VecDeque::new(),
            selected: None,
            heard_at: now,
            consent_at: now,
            state: IceState::Checking,
            out: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> IceState {
        self.state
    }

    /// The path that packets take.
    pub(crate) fn path(&self) -> Option<Path> {
        self.selected
    }

    /// The selected path, or the best that works: an answer to a handshake need not wait for the
    /// viewer's choice.
    pub(crate) fn best_path(&self) -> Option<Path> {
        let working = self.pairs.iter().filter(|pair| pair.works);
        let best = working.max_by_key(|pair| pair.priority);
        self.selected.or(best.map(|pair| pair.path))
    }

    /// An address of ours of the same family, for a system that does not tell where a datagram was
    /// sent to.
    pub(crate) fn address_like(&self, remote: IpAddr) -> Option<IpAddr> {
        let mut addresses = self.addresses.iter().copied();
        addresses.find(|ip| ip.is_ipv4() == remote.is_ipv4())
    }

    /// Takes an address of the viewer, to be checked from all of ours. A viewer that is behind TCP
    /// connects to us: there is nothing to check until it has.
    pub(crate) fn add_remote(&mut self, candidate: &RemoteCandidate) {
        let remote = candidate.addr;
        for local in self.addresses.clone() {
            if local.is_ipv4() == remote.is_ipv4() {
                let path = Path {
                    carriage: Carriage::Udp,
                    local,
                    remote,
                };
                self.pair(path, candidate.priority);
            }
        }
    }

    /// Takes a datagram that is STUN. `false`: it is not one of this agent's.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        kind: Kind<'_>,
        path: Path,
        bytes: &[u8],
    ) -> bool {
        let Some(mut message) = Checks::decode(bytes) else {
            return false;
        };
        match kind {
            Kind::StunRequest { .. } => {
                let Some(asked) = self.checks.asked(&mut message) else {
                    return false;
                };
                if let Some(answer) = self.checks.answer(&message, path.remote) {
                    self.send(path, answer);
                }
                self.heed(now, path, asked);
            }
            Kind::StunResponse { success, .. } => {
                let id = message.transaction_id;
                let known = self
                    .outstanding
                    .iter()
                    .position(|out| out.transaction == id);
                let Some(index) = known.filter(|_| self.checks.answered(&mut message)) else {
                    return false;
                };
                let asked_on = self.outstanding.remove(index).map(|out| out.path);
                // An answer from elsewhere than the check went to proves no path (RFC 8445
                // 7.2.5.2.1).
                if success && asked_on == Some(path) {
                    self.proven(now, path);
                }
            }
            _ => return false,
        }
        true
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
        let nominated = self.pairs.iter().filter(|pair| pair.works);
        let next = nominated.max_by_key(|pair| pair.nominated_at);
        if let Some(pair) = next.copied().filter(|pair| pair.nominated_at.is_some()) {
            self.select(now, pair.path);
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.follow_silence(now);
        if self.state == IceState::Failed {
            return;
        }
        if let Some(path) = self.selected {
            if self.consent_at <= now {
                self.consent_at = now + CONSENT_INTERVAL;
                self.check(now, path);
            }
            return;
        }
        let due: Vec<Path> = self
            .pairs
            .iter()
            .filter(|pair| pair.next_check(now).is_some_and(|at| at <= now))
            .map(|pair| pair.path)
            .collect();
        for path in due {
            self.check(now, path);
        }
    }

    /// When [`Self::tick`] is next due.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let silence = match self.state {
            IceState::Failed => return None,
            IceState::Up => self.times.disconnected,
            IceState::Checking | IceState::Silent => self.times.disconnected + self.times.failed,
        };
        let next = if self.selected.is_some() {
            Some(self.consent_at)
        } else {
            self.pairs
                .iter()
                .filter_map(|pair| pair.next_check(now))
                .min()
        };
        next.into_iter().chain([self.heard_at + silence]).min()
    }

    /// Appends what is to be sent.
    pub(crate) fn drain(&mut self, out: &mut Vec<Run>) {
        out.append(&mut self.out);
    }

    fn follow_silence(&mut self, now: Instant) {
        let silence = now.saturating_duration_since(self.heard_at);
        if silence >= self.times.disconnected + self.times.failed {
            self.state = IceState::Failed;
            self.selected = None;
        } else if silence >= self.times.disconnected && self.state == IceState::Up {
            self.state = IceState::Silent;
        }
    }

    fn heed(&mut self, now: Instant, path: Path, asked: Asked) {
        self.heard(now, path);
        let Some(index) = self.pair(path, asked.priority) else {
            return;
        };
        let pair = &mut self.pairs[index];
        if asked.nominates {
            pair.nominated_at = Some(now);
        }
        let checked_lately = pair
            .checked_at
            .is_some_and(|at| now.saturating_duration_since(at) < CHECK_LEAST);
        if pair.works {
            self.consider(now, index);
        } else if !checked_lately {
            // RFC 8445 7.3.1.4: the viewer's check shows that ours may get through by now.
            pair.checks = 0;
            self.check(now, path);
        }
    }

    fn proven(&mut self, now: Instant, path: Path) {
        let found = self.pairs.iter().position(|pair| pair.path == path);
        let Some(index) = found else {
            return;
        };
        let pair = &mut self.pairs[index];
        pair.works = true;
        if self.role == Role::Controlling && self.selected.is_none() {
            pair.nominated_at = Some(now);
        }
        self.heard(now, path);
        self.consider(now, index);
    }

    /// Moves to a path that works and that the viewer wants, if it wants it more than the present
    /// one: browsers nominate several at first.
    fn consider(&mut self, now: Instant, index: usize) {
        let candidate = self.pairs[index];
        if candidate.nominated_at.is_none() || self.selected == Some(candidate.path) {
            return;
        }
        let present = self.selected.and_then(|path| {
            let mut pairs = self.pairs.iter();
            pairs.find(|pair| pair.path == path)
        });
        let stays = present.is_some_and(|present| {
            let fresh = present
                .nominated_at
                .is_some_and(|at| now.saturating_duration_since(at) < NOMINATION_STALE);
            fresh && present.priority >= candidate.priority
        });
        if !stays {
            self.select(now, candidate.path);
        }
    }

    fn select(&mut self, now: Instant, path: Path) {
        self.selected = Some(path);
        self.heard_at = now;
        self.consent_at = now + CONSENT_INTERVAL;
        self.state = IceState::Up;
    }

    /// The pair of this path; `None` when there are too many already.
    fn pair(&mut self, path: Path, remote_priority: u32) -> Option<usize> {
        let known = self.pairs.iter().position(|pair| pair.path == path);
        if known.is_some() {
            return known;
        }
        if self.pairs.len() >= PAIRS_MAX {
            // One that never worked makes room: a viewer that moves needs its newest.
            let useless = self.pairs.iter().position(|pair| !pair.works)?;
            self.pairs.remove(useless);
        }
        let local_priority = self.local_priority(path);
        self.pairs.push(Pair {
            path,
            priority: pair_priority(remote_priority, local_priority),
            works: false,
            nominated_at: None,
            checks: 0,
            checked_at: None,
        });
        Some(self.pairs.len() - 1)
    }

    fn local_priority(&self, path: Path) -> u32 {
        let mut addresses = self.addresses.iter();
        let place = addresses.position(|ip| *ip == path.local);
        crate::candidates::host_priority(path.carriage, place.unwrap_or(self.addresses.len()))
    }

    fn check(&mut self, now: Instant, path: Path) {
        let priority = self.local_priority(path);
        if let Some(pair) = self.pairs.iter_mut().find(|pair| pair.path == path) {
            pair.checks = pair.checks.saturating_add(1);
            pair.checked_at = Some(now);
        }
        let Some((transaction, bytes)) = self.checks.request(priority) else {
            return;
        };
        if self.outstanding.len() >= OUTSTANDING_MAX {
            self.outstanding.pop_front();
        }
        self.outstanding
            .push_back(Outstanding { transaction, path });
        self.send(path, bytes);
    }

    fn send(&mut self, path: Path, bytes: bytes::BytesMut) {
        self.out.push(Run::single(path, bytes));
    }
}

impl Pair {
    /// When this path is to be checked without being asked to.
    fn next_check(&self, now: Instant) -> Option<Instant> {
        let waits = !self.works && self.checks < CHECKS_MAX;
        waits.then(|| self.checked_at.map_or(now, |at| at + CHECK_INTERVAL))
    }
}

fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (g, d) = (u64::from(controlling), u64::from(controlled));
    (g.min(d) << 32) + 2 * g.max(d) + u64::from(g > d)
}
