//! What a carrier does with messages of others: pure. Messages and time in, messages and changes out.
//!
//! Each link begins with a hello that says what each side has; what the other lacks is sent, and from then on each new
//! record and announcement as it comes. What is new is passed on to all other links, so that carriers share
//! everything as long as some path of links joins them.

mod membership;
pub(crate) mod round_play;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use iroh::SecretKey;

use self::round_play::RoundPlay;
use crate::CarrierId;
use crate::announcement::{Announcement, AnnouncementNumber, Presence, SignedAnnouncement};
use crate::clock_offset::ClockOffset;
use crate::members::Members;
use crate::rate_limit::RateLimit;
use crate::record::{EventId, LogId, PictureHash, Record, RecordBody};
use crate::shared_log::{Counts, LogFull, RecordRun, RecordsError, SharedLog};
use crate::slug::Slug;
use crate::wire::{Hello, Message, RUN_BYTES_MAX};

/// How often a carrier that nothing happens to says that it is here.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(20);
/// Changes within this time are announced together.
const ANNOUNCE_PAUSE: Duration = Duration::from_secs(2);
const PING_EVERY: Duration = Duration::from_secs(60);
/// Until the clocks are known well.
const PINGS_AT_START: u32 = 4;
const PING_PAUSE_AT_START: Duration = Duration::from_secs(1);

/// One moment, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) monotonic: Instant,
    /// The carrier's own clock, which others see: it never leaps while the program runs.
    pub(crate) clock_ms: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    Send {
        to: CarrierId,
        message: Message,
    },
    /// Ends the connection.
    Close {
        peer: CarrierId,
        why: Closing,
    },
    /// The list of members has changed.
    SaveMembers,
    /// There are new records.
    SaveLog,
    /// The owner hid a picture.
    SaveHidden,
    /// What is shown has changed.
    Changed,
}

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closing {
    #[error("it is at another event")]
    OtherEvent,
    #[error("it was revoked")]
    Revoked,
    #[error("it broke the protocol: {0}")]
    Hostile(&'static str),
}

/// Tells the connections to one carrier apart.
pub(crate) type ConnectionId = usize;

struct Link {
    /// The connection that it is: messages of an earlier one to the same carrier may still arrive.
    connection: ConnectionId,
    known: Counts,
    findable: Vec<Slug>,
    has_greeted: bool,
    limit: RateLimit,
    clock: ClockOffset,
    pings: u32,
    ping_at: Instant,
}

/// A carrier that was heard of, directly or through others.
struct Heard {
    signed: SignedAnnouncement,
    announcement: Announcement,
    at: Instant,
    /// This carrier's clock minus its clock, with the time on the way.
    offset_ms: i64,
}

pub(crate) struct Protocol {
    key: SecretKey,
    own: CarrierId,
    /// The log that this start of the program writes.
    own_log: LogId,
    members: Members,
    log: SharedLog,
    findable: Vec<Slug>,
    /// Pictures of others that the owner does not show.
    hidden: BTreeSet<PictureHash>,
    heard: BTreeMap<CarrierId, Heard>,
    links: BTreeMap<CarrierId, Link>,
    presence: Presence,
    number: AnnouncementNumber,
    announce_at: Instant,
    announced_at: Option<Instant>,
    play: RoundPlay,
    outputs: VecDeque<Output>,
}

impl Protocol {
    /// `start`: grows with each start of the program. `log_number`: of the log that this start writes.
    pub(crate) fn new(
        key: SecretKey,
        (members, log, hidden): (Members, SharedLog, BTreeSet<PictureHash>),
        start: u32,
        log_number: u32,
        now: Instant,
    ) -> Self {
        let own = key.public();
        Self {
            key,
            own,
            own_log: LogId {
                owner: own,
                number: log_number,
            },
            members,
            log,
            findable: Vec::new(),
            hidden,
            heard: BTreeMap::new(),
            links: BTreeMap::new(),
            presence: Presence::default(),
            number: AnnouncementNumber { start, number: 0 },
            announce_at: now,
            announced_at: None,
            play: RoundPlay::default(),
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn event(&self) -> EventId {
        self.log.event()
    }

    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    pub(crate) fn log(&self) -> &SharedLog {
        &self.log
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn send(&mut self, to: CarrierId, message: Message) {
        self.outputs.push_back(Output::Send { to, message });
    }

    fn send_to_all_but(&mut self, not: &[CarrierId], message: &Message) {
        let greeted = self.links.iter().filter(|(_, link)| link.has_greeted);
        let to: Vec<_> = greeted
            .map(|(peer, _)| *peer)
            .filter(|peer| !not.contains(peer))
            .collect();
        for peer in to {
            self.send(peer, message.clone());
        }
    }

    fn close(&mut self, peer: CarrierId, why: Closing) {
        self.links.remove(&peer);
        self.outputs.push_back(Output::Close { peer, why });
        self.outputs.push_back(Output::Changed);
    }

    /// A connection to a member is open. It takes the place of an earlier one.
    pub(crate) fn connected(&mut self, peer: CarrierId, connection: ConnectionId, now: Now) {
        if !self.members.is_member(peer) {
            self.close(peer, Closing::Revoked);
            return;
        }
        let link = Link {
            connection,
            known: Counts::new(),
            findable: Vec::new(),
            has_greeted: false,
            limit: RateLimit::new(now.monotonic),
            clock: ClockOffset::default(),
            pings: 0,
            ping_at: now.monotonic,
        };
        self.links.insert(peer, link);
        let hello = Hello {
            event: self.event(),
            findable: self.findable.clone(),
            counts: self.log.counts().into_iter().collect(),
        };
        self.send(peer, Message::Hello(hello));
        self.outputs.push_back(Output::Changed);
    }

    pub(crate) fn disconnected(&mut self, peer: CarrierId, connection: ConnectionId) {
        if self.is_current(peer, connection) {
            self.links.remove(&peer);
            self.outputs.push_back(Output::Changed);
        }
    }

    fn is_current(&self, peer: CarrierId, connection: ConnectionId) -> bool {
        let link = self.links.get(&peer);
        link.is_some_and(|link| link.connection == connection)
    }

    /// `peer` did on this connection what no carrier does.
    pub(crate) fn drop_peer(&mut self, peer: CarrierId, connection: ConnectionId, why: Closing) {
        if self.is_current(peer, connection) {
            self.close(peer, why);
        }
    }

    /// `peer` sent `message`, of so many bytes.
    pub(crate) fn received(
        &mut self,
        (peer, connection): (CarrierId, ConnectionId),
        message: Message,
        bytes: usize,
        now: Now,
    ) {
        let link = self.links.get_mut(&peer);
        let Some(link) = link.filter(|link| link.connection == connection) else {
            return;
        };
        if !link.limit.take(bytes, now.monotonic) {
            self.close(peer, Closing::Hostile("too many messages"));
            return;
        }
        if link.has_greeted == matches!(message, Message::Hello(_)) {
            self.close(peer, Closing::Hostile("one hello comes first"));
            return;
        }
        match message {
            Message::Hello(hello) => self.received_hello(peer, hello),
            Message::Have(counts) => self.received_counts(peer, counts),
            Message::Records(run) => self.received_records(peer, run),
            Message::Findable(findable) => link.findable = findable,
            Message::Announcement(signed) => self.received_announcement(peer, signed, now),
            Message::Ping { sent_ms } => {
                let answered_ms = now.clock_ms;
                let pong = Message::Pong {
                    sent_ms,
                    answered_ms,
                };
                self.send(peer, pong);
            }
            Message::Pong {
                sent_ms,
                answered_ms,
            } => link.clock.measured(sent_ms, answered_ms, now.clock_ms),
        }
    }

    fn received_hello(&mut self, peer: CarrierId, hello: Hello) {
        if hello.event != self.event() {
            self.close(peer, Closing::OtherEvent);
            return;
        }
        if let Some(link) = self.links.get_mut(&peer) {
            link.has_greeted = true;
            link.findable = hello.findable;
        }
        let heard: Vec<_> = self
            .heard
            .values()
            .map(|heard| heard.signed.clone())
            .filter(|signed| signed.owner != peer)
            .collect();
        for signed in heard {
            self.send(peer, Message::Announcement(signed));
        }
        self.received_counts(peer, hello.counts);
        // The other one learns at once what is here, and how many records there are.
        self.announce_at = self.announced_at.unwrap_or(self.announce_at);
    }

    fn received_counts(&mut self, peer: CarrierId, counts: Vec<(LogId, u32)>) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.known = counts.into_iter().collect();
        }
        self.send_missing(peer);
    }

    fn send_missing(&mut self, peer: CarrierId) {
        let Some(link) = self.links.get_mut(&peer).filter(|link| link.has_greeted) else {
            return;
        };
        let runs = self.log.missing(&link.known, RUN_BYTES_MAX);
        for (log, count) in self.log.counts() {
            let known = link.known.entry(log).or_default();
            *known = count.max(*known);
        }
        for run in runs {
            self.send(peer, Message::Records(run));
        }
    }

    fn received_records(&mut self, peer: CarrierId, run: RecordRun) {
        let owner = run.log.owner;
        // The sender trusts somebody whom this carrier does not know.
        if owner != self.own && !self.members.is_member(owner) {
            return;
        }
        let log = run.log;
        let known = run
            .first
            .saturating_add(run.records.len().try_into().unwrap_or(u32::MAX));
        match self.log.accept(run) {
            Ok(0) => {
                let have = self.log.counts().get(&log).copied().unwrap_or(0);
                if have < known {
                    let counts = self.log.counts().into_iter().collect();
                    self.send(peer, Message::Have(counts));
                }
            }
            Ok(_) => {
                if let Some(link) = self.links.get_mut(&peer) {
                    let count = link.known.entry(log).or_default();
                    *count = known.max(*count);
                }
                self.log_has_grown();
            }
            Err(RecordsError::NotGenuine) => {
                self.close(
                    peer,
                    Closing::Hostile("a record that its owner did not sign"),
                );
            }
            // Its owner writes too much. Who passes it on did nothing wrong.
            Err(RecordsError::TooMany) if owner == peer => {
                self.close(
                    peer,
                    Closing::Hostile("more records than a carrier may have"),
                );
            }
            Err(RecordsError::TooMany) => {}
        }
    }

    fn log_has_grown(&mut self) {
        let peers: Vec<_> = self.links.keys().copied().collect();
        for peer in peers {
            self.send_missing(peer);
        }
        self.outputs.push_back(Output::SaveLog);
        self.outputs.push_back(Output::Changed);
    }

    fn received_announcement(&mut self, peer: CarrierId, signed: SignedAnnouncement, now: Now) {
        let owner = signed.owner;
        if owner == self.own || !self.members.is_member(owner) {
            return;
        }
        let Some(mut announcement) = signed.open(self.event()) else {
            self.close(
                peer,
                Closing::Hostile("an announcement that its owner did not sign"),
            );
            return;
        };
        let is_new = |heard: &Heard| announcement.number > heard.announcement.number;
        if !self.heard.get(&owner).is_none_or(is_new) {
            return;
        }
        if self.members.rename(owner, &announcement.presence.name) {
            self.outputs.push_back(Output::SaveMembers);
        }
        announcement.presence.name = crate::members::name_of(&announcement.presence.name);
        let offset_ms = difference_ms(now.clock_ms, announcement.sent_at_ms);
        self.send_to_all_but(&[peer, owner], &Message::Announcement(signed.clone()));
        self.play.heard(owner, &announcement, now.clock_ms);
        let heard = Heard {
            signed,
            announcement,
            at: now.monotonic,
            offset_ms,
        };
        self.heard.insert(owner, heard);
        self.outputs.push_back(Output::Changed);
    }

    /// Sends what is due. Gives when it is to be called again at the latest.
    pub(crate) fn tick(&mut self, now: Now) -> Instant {
        if self.play.advance(now.clock_ms) {
            self.announce_now();
        }
        if now.monotonic >= self.announce_at {
            self.announce(now);
        }
        let mut pings = Vec::new();
        for (peer, link) in &mut self.links {
            if link.has_greeted && now.monotonic >= link.ping_at {
                link.pings += 1;
                let is_start = link.pings < PINGS_AT_START;
                let pause = if is_start {
                    PING_PAUSE_AT_START
                } else {
                    PING_EVERY
                };
                link.ping_at = now.monotonic + pause;
                pings.push(*peer);
            }
        }
        for peer in pings {
            let sent_ms = now.clock_ms;
            self.send(peer, Message::Ping { sent_ms });
        }
        let greeted = self.links.values().filter(|link| link.has_greeted);
        let next_ping = greeted.map(|link| link.ping_at).min();
        let next = next_ping.map_or(self.announce_at, |at| at.min(self.announce_at));
        match self.play.next_ms(now.clock_ms) {
            Some(in_ms) => next.min(now.monotonic + Duration::from_millis(in_ms)),
            None => next,
        }
    }

    fn announce(&mut self, now: Now) {
        self.announced_at = Some(now.monotonic);
        self.announce_at = now.monotonic + ANNOUNCE_EVERY;
        self.number.number += 1;
        let announcement = Announcement {
            number: self.number,
            sent_at_ms: now.clock_ms,
            records: self.log.count_of(self.own),
            presence: self.presence.clone(),
            hosted: self.play.hosted().cloned(),
            report: self.play.report().cloned(),
        };
        if let Some(signed) = SignedAnnouncement::new(&announcement, self.event(), &self.key) {
            self.send_to_all_but(&[], &Message::Announcement(signed));
        }
    }

    /// Something that others wait for has changed.
    fn announce_now(&mut self) {
        self.announce_at = self.announced_at.unwrap_or(self.announce_at);
        self.outputs.push_back(Output::Changed);
    }

    /// What others see of this carrier from now on.
    pub(crate) fn set_presence(&mut self, presence: Presence) {
        if presence == self.presence {
            return;
        }
        self.presence = presence;
        let soon = self.announced_at.map(|at| at + ANNOUNCE_PAUSE);
        self.announce_at = soon.map_or(self.announce_at, |soon| soon.min(self.announce_at));
    }

    /// The classes that this carrier's model finds reliably.
    pub(crate) fn set_findable(&mut self, findable: Vec<Slug>) {
        if findable != self.findable {
            self.findable.clone_from(&findable);
            self.send_to_all_but(&[], &Message::Findable(findable));
        }
    }

    /// Writes a record, and sends it to all.
    pub(crate) fn append(&mut self, body: RecordBody, now: Now) -> Result<(), LogFull> {
        let record = Record {
            made_at_ms: now.clock_ms,
            body,
        };
        self.log.append(&record, self.own_log, &self.key)?;
        self.log_has_grown();
        self.announce_now();
        Ok(())
    }
}

/// `a - b`.
fn difference_ms(a: u64, b: u64) -> i64 {
    let apart = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a >= b { apart } else { -apart }
}
