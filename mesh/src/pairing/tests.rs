use std::collections::HashSet;

use iroh::SecretKey;

use super::*;

fn id() -> CarrierId {
    SecretKey::generate().public()
}

#[test]
fn the_words_differ_within_four_letters() {
    let starts: HashSet<_> = WORDS
        .iter()
        .map(|word| word.get(..4).unwrap_or(word))
        .collect();
    assert_eq!(starts.len(), WORDS.len());
    let is_plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    assert!(WORDS.iter().all(is_plain));
}

#[test]
fn a_code_is_read_however_it_is_typed() {
    for _ in 0..100 {
        let code = PairingCode::random();
        let words = code.words();
        assert_eq!(words.parse(), Ok(code));
        assert_eq!(words.to_uppercase().replace(' ', ", ").parse(), Ok(code));
        let short: Vec<_> = words
            .split(' ')
            .map(|word| word.get(..4).unwrap_or(word))
            .collect();
        assert_eq!(short.join("-").parse(), Ok(code));
    }
    let wrong = "acorn acorn acorn";
    assert_eq!(
        wrong.parse::<PairingCode>(),
        Err(PairingCodeError::Length(3))
    );
    let foreign = "acorn acorn acorn acorn acorn acorn acorn <b>";
    assert!(matches!(
        foreign.parse::<PairingCode>(),
        Err(PairingCodeError::Word(_))
    ));
}

#[test]
fn a_link_says_where_the_carrier_is() {
    let link = PairingLink {
        code: PairingCode::random(),
        id: id(),
        addresses: vec![
            "192.168.7.2:7442".parse().unwrap(),
            "[fd00::1]:7442".parse().unwrap(),
        ],
    };
    assert_eq!(link.to_string().parse(), Ok(link.clone()));
    let text = link.to_string();
    for damaged in [&text[1..], &text[..60], &text.replace("7442", "x")] {
        assert!(damaged.parse::<PairingLink>().is_err(), "{damaged}");
    }
}

#[test]
fn a_code_is_valid_once_and_for_some_minutes() {
    let now = Instant::now();
    let (own, other) = (id(), id());
    let mut window = PairingWindow::default();
    assert!(!window.is_open(now));
    let code = window.open(now);
    let good = proof(code, PairingSide::Types, own, other, "south");
    assert_eq!(window.use_code(own, other, "south", &good, now), Some(code));
    assert_eq!(
        window.use_code(own, other, "south", &good, now),
        None,
        "used up"
    );
    let code = window.open(now);
    let good = proof(code, PairingSide::Types, own, other, "south");
    let late = now + CODE_VALID;
    assert!(!window.is_open(late));
    assert_eq!(window.use_code(own, other, "south", &good, late), None);
}

#[test]
fn a_proof_is_for_these_keys_this_side_and_this_name() {
    let now = Instant::now();
    let (own, other, between) = (id(), id(), id());
    let mut window = PairingWindow::default();
    let code = window.open(now);
    for wrong in [
        proof(code, PairingSide::Types, between, other, "south"),
        proof(code, PairingSide::Types, own, between, "south"),
        proof(code, PairingSide::Shows, own, other, "south"),
        proof(code, PairingSide::Types, own, other, "north"),
        proof(
            PairingCode::random(),
            PairingSide::Types,
            own,
            other,
            "south",
        ),
    ] {
        assert_eq!(window.use_code(own, other, "south", &wrong, now), None);
    }
    let good = proof(code, PairingSide::Types, own, other, "south");
    assert_eq!(window.use_code(own, other, "south", &good, now), Some(code));
}

#[test]
fn too_many_wrong_proofs_close_the_window() {
    let now = Instant::now();
    let (own, other) = (id(), id());
    let mut window = PairingWindow::default();
    let code = window.open(now);
    for _ in 0..WRONG_MAX {
        assert_eq!(window.use_code(own, other, "", &[0; 32], now), None);
    }
    let good = proof(code, PairingSide::Types, own, other, "");
    assert_eq!(window.use_code(own, other, "", &good, now), None);
}
