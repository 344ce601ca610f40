use std::fs;
use std::path::Path;

use super::*;
use crate::announcement::{AnnouncementNumber, Presence};
use crate::record::{PictureHash, RecordBody};
use crate::wire::Hello;

/// How long each target runs mutated inputs.
const TIME: Duration = Duration::from_secs(2);

/// Has a folder for each target.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");

#[test]
fn no_target_fails_on_its_corpus_and_on_mutations_of_it() {
    fuzzing::run_all(&TARGETS, Path::new(CORPUS), TIME);
}

#[test]
fn the_seeds_reach_what_they_are_for() {
    let (own, peer) = (key(1), key(2));
    let log = log_of(&peer, &[score(), picture()]);
    assert_eq!(log.count_of(peer.public()), 2);
    assert_eq!(
        SharedLog::decode(&log.encode(), EventId::of_name(EVENT)),
        Some(log)
    );
    let announced = SignedAnnouncement::new(&announcement(), EventId::of_name(EVENT), &peer);
    assert!(
        announced
            .expect("short")
            .open(EventId::of_name(EVENT))
            .is_some()
    );
    let link = link(own.public());
    assert!(link.parse::<PairingLink>().is_ok(), "{link}");
    let kinds: Vec<u8> = pieces(&conversation()).map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [0, 1, 1, 2, 3, 0, 0]);
}

fn score() -> Record {
    let slug = |text: &str| Slug::try_from(text).expect("a slug");
    Record {
        made_at_ms: CLOCK_MS,
        body: RecordBody::Score {
            game: slug("object-hunt"),
            nickname: [slug("brave"), slug("otter")],
            score: 1200,
        },
    }
}

fn picture() -> Record {
    Record {
        made_at_ms: CLOCK_MS,
        body: RecordBody::Picture {
            picture: PictureHash::of(b"otter"),
            caption: Slug::try_from("comic").expect("a slug"),
            expires_at_ms: CLOCK_MS + 3_600_000,
        },
    }
}

fn announcement() -> Announcement {
    Announcement {
        number: AnnouncementNumber {
            start: 1,
            number: 1,
        },
        sent_at_ms: CLOCK_MS,
        records: 2,
        presence: Presence {
            name: "north".to_owned(),
            persons: 2,
            ..Presence::default()
        },
        hosted: None,
        report: None,
    }
}

fn log_of(owner: &SecretKey, records: &[Record]) -> SharedLog {
    let mut log = SharedLog::new(EventId::of_name(EVENT));
    let id = LogId {
        owner: owner.public(),
        number: 1,
    };
    for record in records {
        log.append(record, id, owner).expect("there is room");
    }
    log
}

fn link(id: crate::CarrierId) -> String {
    let link = PairingLink {
        code: crate::WORDS[..8].join(" ").parse().expect("words"),
        id,
        addresses: vec!["192.0.2.1:8190".parse().expect("an address")],
    };
    link.to_string()
}

fn conversation() -> Vec<u8> {
    let hello = Message::Hello(Hello {
        event: EventId::of_name(EVENT),
        findable: findable(),
        counts: Vec::new(),
    });
    let ping = Message::Ping { sent_ms: CLOCK_MS };
    let have = Message::Have(vec![(
        LogId {
            owner: key(3).public(),
            number: 9,
        },
        7,
    )]);
    let bytes = |message: &Message| postcard::to_allocvec(message).expect("encodable");
    let record = |record: &Record| postcard::to_allocvec(record).expect("encodable");
    let said = [
        (0, bytes(&hello)),
        (1, record(&score())),
        (1, record(&picture())),
        (
            2,
            postcard::to_allocvec(&announcement()).expect("encodable"),
        ),
        (3, vec![200, 200]),
        (0, bytes(&ping)),
        (0, bytes(&have)),
    ];
    let piece = |(kind, body): &(u8, Vec<u8>)| {
        let length = u16::try_from(body.len()).expect("short").to_le_bytes();
        [&length[..], &[*kind], body].concat()
    };
    said.iter().flat_map(piece).collect()
}

/// `cargo test -p mesh --lib fuzz::tests::writes -- --ignored`. Files that a fuzzer found are kept.
#[test]
#[ignore = "changes files of the repository"]
fn writes_the_corpus() {
    let words = crate::WORDS[..8].join(" ");
    let files = [
        ("member/conversation", conversation()),
        ("member/unexpected", conversation()[20..].to_vec()),
        (
            "shared-log/two-records",
            log_of(&key(2), &[score(), picture()]).encode(),
        ),
        ("shared-log/empty", log_of(&key(2), &[]).encode()),
        ("pairing/words", words.into_bytes()),
        ("pairing/link", link(key(1).public()).into_bytes()),
    ];
    for (name, bytes) in files {
        let path = Path::new(CORPUS).join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
}
