//! Whole carriers on a virtual clock and network.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{CarrierState, PICTURES_LEASE};
use super::*;
use crate::record::PictureHash;
use crate::rounds::{FIRST_PAUSE_MS, RoundKind};
use crate::wire;

/// Carriers, and messages on their way between them.
struct Network {
    carriers: Vec<Protocol>,
    /// Each carrier's clock minus the first one's.
    clock_ms: Vec<u64>,
    started: Instant,
    passed_ms: u64,
    latency_ms: u64,
    on_the_way: BTreeMap<(u64, u64), (usize, usize, Message)>,
    sent: u64,
    bytes: u64,
    closed: Vec<(usize, usize, Closing)>,
    connection: ConnectionId,
    is_linked: fn(usize, usize) -> bool,
}

const CLOCK_MS: u64 = 1_800_000_000_000;

impl Network {
    /// Paired carriers that are not connected.
    fn new(count: usize) -> Self {
        let keys: Vec<_> = (0..count).map(|_| SecretKey::generate()).collect();
        let started = Instant::now();
        let carrier = |own: &SecretKey| {
            let mut members = Members::default();
            for key in keys.iter().filter(|key| key.public() != own.public()) {
                members.add(key.public(), "carrier", []).unwrap();
            }
            let log = SharedLog::new(EventId::of_name("event"));
            Protocol::new(own.clone(), (members, log, BTreeSet::new()), 1, 1, started)
        };
        Self {
            carriers: keys.iter().map(carrier).collect(),
            clock_ms: (0..count as u64).map(|one| one * 3_600_000).collect(),
            started,
            passed_ms: 0,
            latency_ms: 20,
            on_the_way: BTreeMap::new(),
            sent: 0,
            bytes: 0,
            closed: Vec::new(),
            connection: 0,
            is_linked: |_, _| true,
        }
    }

    fn now(&self, carrier: usize) -> Now {
        Now {
            monotonic: self.started + Duration::from_millis(self.passed_ms),
            clock_ms: CLOCK_MS + self.clock_ms[carrier] + self.passed_ms,
        }
    }

    fn index(&self, id: CarrierId) -> usize {
        let is_it = |carrier: &Protocol| carrier.own == id;
        self.carriers.iter().position(is_it).unwrap()
    }

    fn connect(&mut self, one: usize, two: usize) {
        self.connection += 1;
        for (from, to) in [(one, two), (two, one)] {
            let (peer, now) = (self.carriers[to].own, self.now(from));
            self.carriers[from].connected(peer, self.connection, now);
        }
    }

    fn connect_all(&mut self) {
        for one in 0..self.carriers.len() {
            for two in one + 1..self.carriers.len() {
                if (self.is_linked)(one, two) {
                    self.connect(one, two);
                }
            }
        }
    }

    fn disconnect_all(&mut self) {
        self.on_the_way.clear();
        let ids: Vec<_> = self.carriers.iter().map(|carrier| carrier.own).collect();
        for carrier in &mut self.carriers {
            for id in &ids {
                if let Some(link) = carrier.links.get(id) {
                    let connection = link.connection;
                    carrier.disconnected(*id, connection);
                }
            }
        }
    }

    fn collect(&mut self) {
        for from in 0..self.carriers.len() {
            while let Some(output) = self.carriers[from].next_output() {
                match output {
                    Output::Send { to, message } => {
                        let to = self.index(to);
                        let bytes = wire::encode(&message).expect("fits").len();
                        self.bytes += bytes as u64;
                        self.sent += 1;
                        let at = (self.passed_ms + self.latency_ms, self.sent);
                        self.on_the_way.insert(at, (from, to, message));
                    }
                    Output::Close { peer, why } => {
                        let peer_index = self.carriers.iter().position(|one| one.own == peer);
                        let Some(peer) = peer_index else { continue };
                        self.closed.push((from, peer, why));
                        let own = self.carriers[from].own;
                        if let Some(link) = self.carriers[peer].links.get(&own) {
                            let connection = link.connection;
                            self.carriers[peer].disconnected(own, connection);
                        }
                    }
                    Output::SaveMembers
                    | Output::SaveLog
                    | Output::SaveHidden
                    | Output::Changed => {}
                }
            }
        }
    }

    fn run(&mut self, ms: u64) {
        let end = self.passed_ms + ms;
        while self.passed_ms < end {
            for carrier in 0..self.carriers.len() {
                let now = self.now(carrier);
                self.carriers[carrier].tick(now);
            }
            self.collect();
            while let Some(first) = self.on_the_way.first_entry()
                && first.key().0 <= self.passed_ms
            {
                let (from, to, message) = first.remove();
                let (peer, now) = (self.carriers[from].own, self.now(to));
                let bytes = wire::encode(&message).map_or(0, |bytes| bytes.len());
                self.deliver(to, peer, message, bytes, now);
                self.collect();
            }
            self.passed_ms += 10;
        }
    }

    fn deliver(&mut self, to: usize, peer: CarrierId, message: Message, bytes: usize, now: Now) {
        let link = self.carriers[to].links.get(&peer);
        let connection = link.map_or(0, |link| link.connection);
        self.carriers[to].received((peer, connection), message, bytes, now);
    }

    fn append(&mut self, carrier: usize, body: RecordBody) {
        let now = self.now(carrier);
        self.carriers[carrier].append(body, now).unwrap();
    }

    fn share(&mut self, carrier: usize, text: &str, lives_ms: u64) -> PictureHash {
        let picture = PictureHash::of(text.as_bytes());
        let expires_at_ms = self.now(carrier).clock_ms + lives_ms;
        let caption = Slug::try_from("comic").unwrap();
        self.append(
            carrier,
            RecordBody::Picture {
                picture,
                caption,
                expires_at_ms,
            },
        );
        picture
    }

    fn gallery(&self, carrier: usize) -> Vec<PictureHash> {
        let items = self.carriers[carrier].gallery(self.now(carrier));
        items.into_iter().map(|item| item.picture).collect()
    }
}

fn score(score: u32) -> RecordBody {
    let slug = |text: &str| Slug::try_from(text).unwrap();
    RecordBody::Score {
        game: slug("object-hunt"),
        nickname: [slug("brave"), slug("otter")],
        score,
    }
}

const HOUR_MS: u64 = 3_600_000;

#[test]
fn three_carriers_see_each_other_and_share_scores() {
    let mut network = Network::new(3);
    let presence = Presence {
        name: "north".to_owned(),
        persons: 4,
        ..Presence::default()
    };
    network.carriers[0].set_presence(presence.clone());
    network.connect_all();
    network.append(0, score(100));
    network.append(2, score(300));
    network.run(5000);
    for one in 0..3 {
        let game = Slug::try_from("object-hunt").unwrap();
        let scores = network.carriers[one].scores(&game, 10);
        let scores: Vec<_> = scores.iter().map(|one| one.score).collect();
        assert_eq!(scores, [300, 100], "carrier {one}");
    }
    let statuses = network.carriers[1].statuses(network.now(1));
    let north = network.carriers[0].own;
    let north = statuses.iter().find(|one| one.id == north).unwrap();
    assert_eq!(north.presence.as_ref(), Some(&presence));
    assert_eq!(north.name, "north");
    let round_trip_ms = Some(2 * network.latency_ms);
    assert_eq!(north.state, CarrierState::Connected { round_trip_ms });
    assert_eq!(north.clock_offset_ms, Some(-3_600_000), "an hour behind");
    assert!(network.closed.is_empty(), "{:?}", network.closed);
}

#[test]
fn a_day_apart_with_500_records_each_ends_in_the_same_log() {
    let mut network = Network::new(3);
    for number in 0..500 {
        for carrier in 0..3 {
            network.append(carrier, score(number));
        }
    }
    // 1 and 3 never meet: 2 passes everything on.
    network.is_linked = |one, two| one.abs_diff(two) == 1;
    network.connect_all();
    network.run(10_000);
    assert_eq!(network.carriers[0].log.counts().len(), 3);
    assert_eq!(network.carriers[0].log, network.carriers[2].log);
    assert_eq!(network.carriers[0].log, network.carriers[1].log);
    assert!(network.closed.is_empty(), "{:?}", network.closed);
    let far = network.carriers[2].own;
    let statuses = network.carriers[0].statuses(network.now(0));
    let far = statuses.iter().find(|one| one.id == far).unwrap();
    assert_eq!(far.state, CarrierState::ThroughOthers);
}

#[test]
fn an_idle_carrier_sends_little() {
    let mut network = Network::new(3);
    network.connect_all();
    network.run(60_000);
    let (sent, bytes) = (network.sent, network.bytes);
    network.run(600_000);
    let per_s = |count: u64| count as f64 / 600.0 / 3.0;
    let (messages, bytes) = (per_s(network.sent - sent), per_s(network.bytes - bytes));
    // With 70 bytes for IP, UDP and QUIC each.
    let bits_per_s = (bytes + 70.0 * messages) * 8.0;
    assert!(bits_per_s < 500.0, "{bits_per_s} bit/s a carrier");
}

#[test]
fn what_was_withdrawn_while_a_carrier_was_away_is_not_shown_when_it_is_back() {
    let mut network = Network::new(2);
    network.connect_all();
    let kept = network.share(0, "kept", 5 * HOUR_MS);
    let gone = network.share(0, "gone", 5 * HOUR_MS);
    network.run(3000);
    assert_eq!(network.gallery(1).len(), 2);
    network.disconnect_all();
    network.append(0, RecordBody::Withdrawal { picture: gone });
    // The other one is away: what it cannot know is shown for the lease at most.
    let lease_ms = u64::try_from(PICTURES_LEASE.as_millis()).unwrap();
    network.run(lease_ms + 30_000);
    assert!(network.gallery(1).is_empty(), "the lease is over");
    network.connect_all();
    for _ in 0..500 {
        network.run(10);
        assert!(!network.gallery(1).contains(&gone));
    }
    assert_eq!(network.gallery(1), [kept]);
}

#[test]
fn a_picture_is_not_shown_before_all_records_of_its_owner_are_known() {
    let mut network = Network::new(2);
    let gone = network.share(0, "gone", HOUR_MS);
    for number in 0..200 {
        network.append(0, score(number));
    }
    network.append(0, RecordBody::Withdrawal { picture: gone });
    network.connect_all();
    for _ in 0..300 {
        network.run(10);
        assert!(network.gallery(1).is_empty());
    }
    assert_eq!(
        network.carriers[1].log.count_of(network.carriers[0].own),
        202
    );
}

#[test]
fn a_picture_expires_everywhere_by_its_owners_clock() {
    let mut network = Network::new(3);
    network.connect_all();
    let picture = network.share(1, "picture", HOUR_MS);
    network.run(5000);
    assert_eq!(
        (network.gallery(0), network.gallery(2)),
        (vec![picture], vec![picture])
    );
    network.run(HOUR_MS - 10_000);
    assert_eq!(network.gallery(0), [picture]);
    network.run(10_000);
    assert!(network.gallery(0).is_empty() && network.gallery(2).is_empty());
    assert!(!network.carriers[1].is_shared_here(picture, network.now(1)));
}

#[test]
fn a_picture_that_is_shared_again_is_shown_again() {
    let mut network = Network::new(2);
    network.connect_all();
    let picture = network.share(0, "picture", HOUR_MS);
    network.append(0, RecordBody::Withdrawal { picture });
    network.run(3000);
    assert!(network.gallery(1).is_empty());
    network.share(0, "picture", HOUR_MS);
    network.share(0, "picture", HOUR_MS);
    network.run(3000);
    assert_eq!(network.gallery(1), [picture]);
}

#[test]
fn what_the_owner_hid_is_not_shown_here() {
    let mut network = Network::new(3);
    network.connect_all();
    let picture = network.share(0, "picture", HOUR_MS);
    network.run(3000);
    network.carriers[1].hide(picture);
    assert!(network.gallery(1).is_empty());
    assert_eq!(network.gallery(2), [picture]);
    assert_eq!(network.carriers[0].own_pictures(network.now(0)), [picture]);
}

#[test]
fn a_clock_that_leaps_changes_no_order_and_no_expiry() {
    let mut network = Network::new(2);
    network.connect_all();
    let picture = network.share(0, "picture", HOUR_MS);
    network.run(5000);
    // The second one's clock was a day behind, and is set.
    network.clock_ms[1] += 24 * HOUR_MS;
    network.run(120_000);
    assert_eq!(network.gallery(1), [picture]);
    let offset = network.carriers[1].statuses(network.now(1))[0].clock_offset_ms;
    assert_eq!(offset, Some(-25 * 3_600_000));
}

#[test]
fn a_revoked_carrier_is_gone_with_all_that_came_from_it() {
    let mut network = Network::new(3);
    network.connect_all();
    network.append(1, score(500));
    network.share(1, "picture", HOUR_MS);
    network.run(3000);
    let revoked = network.carriers[1].own;
    assert!(network.carriers[0].revoke(revoked));
    network.run(1000);
    assert_eq!(network.closed, [(0, 1, Closing::Revoked)]);
    assert!(network.gallery(0).is_empty());
    let game = Slug::try_from("object-hunt").unwrap();
    assert!(network.carriers[0].scores(&game, 10).is_empty());
    // The third one still trusts it and passes its words on: nothing comes of them.
    network.append(1, score(600));
    network.run(30_000);
    assert!(network.carriers[0].scores(&game, 10).is_empty());
    assert_eq!(network.carriers[0].statuses(network.now(0)).len(), 1);
    network.connect(0, 1);
    network.run(1000);
    assert_eq!(network.closed.last(), Some(&(0, 1, Closing::Revoked)));
}

/// What the second carrier sends to the first one.
type Attack = fn(&mut Network) -> Vec<Message>;

#[test]
fn a_hostile_member_changes_nothing_and_is_dropped() {
    let honest = |network: &Network| {
        let game = Slug::try_from("object-hunt").unwrap();
        let carrier = &network.carriers[0];
        (
            carrier.log.clone(),
            carrier.scores(&game, 10),
            carrier.statuses(network.now(0)).len(),
        )
    };
    let attacks: [(&str, Attack); 4] = [
        ("a second hello", |network| {
            vec![Message::Hello(Hello {
                event: network.carriers[1].event(),
                findable: Vec::new(),
                counts: Vec::new(),
            })]
        }),
        ("a forged record", |network| {
            let victim = network.carriers[0].own_log;
            let key = network.carriers[1].key.clone();
            let record = Record {
                made_at_ms: 0,
                body: score(1_000_000),
            };
            let mut log = network.carriers[0].log.clone();
            vec![Message::Records(log.append(&record, victim, &key).unwrap())]
        }),
        ("a forged announcement", |network| {
            let victim = network.carriers[2].own;
            let mut signed = network.carriers[0].heard[&network.carriers[1].own]
                .signed
                .clone();
            signed.owner = victim;
            vec![Message::Announcement(signed)]
        }),
        ("a flood", |_| vec![Message::Ping { sent_ms: 0 }; 1000]),
    ];
    for (name, attack) in attacks {
        let mut network = Network::new(3);
        network.connect_all();
        network.append(0, score(10));
        network.run(3000);
        let before = honest(&network);
        let peer = network.carriers[1].own;
        let now = network.now(0);
        for message in attack(&mut network) {
            network.deliver(0, peer, message, 100, now);
        }
        network.collect();
        let is_dropped = matches!(network.closed[..], [(0, 1, Closing::Hostile(_))]);
        assert!(is_dropped, "{name}: {:?}", network.closed);
        assert_eq!(honest(&network), before, "{name}");
    }
}

#[test]
fn an_old_announcement_changes_nothing() {
    let mut network = Network::new(2);
    network.connect_all();
    network.run(3000);
    let peer = network.carriers[1].own;
    let old = network.carriers[0].heard[&peer].signed.clone();
    let presence = Presence {
        persons: 9,
        ..Presence::default()
    };
    network.carriers[1].set_presence(presence);
    network.run(5000);
    let now = network.now(0);
    network.deliver(0, peer, Message::Announcement(old), 100, now);
    assert_eq!(
        network.carriers[0].heard[&peer]
            .announcement
            .presence
            .persons,
        9
    );
    assert!(network.closed.is_empty());
}

#[test]
fn what_an_earlier_connection_still_brings_is_left_out() {
    let mut network = Network::new(2);
    network.connect_all();
    network.run(3000);
    let (peer, now) = (network.carriers[1].own, network.now(0));
    let earlier = network.carriers[0].links[&peer].connection;
    // Both opened one: the other one stays.
    network.connect(0, 1);
    let ping = Message::Ping { sent_ms: 0 };
    network.carriers[0].received((peer, earlier), ping, 10, now);
    network.carriers[0].disconnected(peer, earlier);
    network.run(1000);
    assert!(network.closed.is_empty(), "{:?}", network.closed);
    assert!(network.carriers[0].links[&peer].has_greeted);
}

#[test]
fn carriers_of_another_event_share_nothing() {
    let mut network = Network::new(2);
    network.carriers[1].log = SharedLog::new(EventId::of_name("another"));
    network.append(1, score(10));
    network.connect_all();
    network.run(1000);
    assert_eq!(network.closed[0].2, Closing::OtherEvent);
    assert!(network.carriers[0].log.counts().is_empty());
}

#[test]
fn in_a_duel_the_first_find_wins_whatever_the_clocks_say() {
    let mut network = Network::new(3);
    let slug = |text: &str| Slug::try_from(text).unwrap();
    network.carriers[0].set_findable(vec![slug("cup"), slug("book")]);
    network.carriers[1].set_findable(vec![slug("cup"), slug("chair")]);
    network.latency_ms = 250;
    network.connect_all();
    network.run(1000);
    // Its model is opened late.
    network.carriers[2].set_findable(vec![slug("cup")]);
    network.run(6000);
    let now = network.now(0);
    network.carriers[0]
        .start_round(RoundKind::Duel, now)
        .unwrap();
    assert!(
        network.carriers[0]
            .start_round(RoundKind::Duel, now)
            .is_err(),
        "one at a time"
    );
    network.run(1000);
    for carrier in 0..3 {
        let view = network.carriers[carrier]
            .round(network.now(carrier))
            .unwrap();
        assert_eq!(view.round.targets, [slug("cup")], "what all find");
        let wanted = i64::try_from(FIRST_PAUSE_MS).unwrap() - 1000;
        assert!(
            (view.asked_in_ms - wanted).abs() < 20,
            "{}",
            view.asked_in_ms
        );
    }
    network.run(FIRST_PAUSE_MS);
    // 2 sees it 300 ms before 1, who hosts and knows of its own find at once.
    let now = network.now(2);
    assert!(network.carriers[2].target_seen(now.clock_ms, now));
    assert!(!network.carriers[2].target_seen(now.clock_ms, now), "once");
    network.run(300);
    let now = network.now(0);
    assert!(network.carriers[0].target_seen(now.clock_ms, now));
    network.run(4000);
    for carrier in 0..3 {
        let view = network.carriers[carrier]
            .round(network.now(carrier))
            .unwrap();
        assert!(view.round.is_over(), "carrier {carrier}");
        let winner = view.round.results[0].unwrap().player;
        let winner = view.round.players[usize::from(winner)];
        assert_eq!(winner, network.carriers[2].own, "carrier {carrier}");
    }
    network.run(60_000);
    assert!(
        network
            .carriers
            .iter()
            .enumerate()
            .all(|(one, carrier)| { carrier.round(network.now(one)).is_none() })
    );
}

#[test]
fn a_round_ends_when_its_host_is_gone() {
    let mut network = Network::new(2);
    for carrier in &mut network.carriers {
        carrier.set_findable(vec![Slug::try_from("cup").unwrap()]);
    }
    network.connect_all();
    network.run(5000);
    let now = network.now(0);
    network.carriers[0]
        .start_round(RoundKind::Relay, now)
        .unwrap();
    network.run(1000);
    assert!(network.carriers[1].round(network.now(1)).is_some());
    network.disconnect_all();
    network.run(60_000);
    assert!(network.carriers[1].round(network.now(1)).is_none());
}
