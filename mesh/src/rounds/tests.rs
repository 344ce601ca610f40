use iroh::SecretKey;

use super::*;

const START_MS: u64 = 1_000_000;

fn ids() -> [CarrierId; 3] {
    [(); 3].map(|()| SecretKey::generate().public())
}

fn targets(count: usize) -> Vec<Slug> {
    let all = ["cup", "book", "chair", "bottle"];
    let slug = |text: &&str| Slug::try_from(*text).unwrap();
    all.iter().take(count).map(slug).collect()
}

fn host(kind: RoundKind, players: [CarrierId; 3], count: usize) -> RoundHost {
    RoundHost::new(1, kind, players.to_vec(), targets(count), START_MS).unwrap()
}

fn report(host: CarrierId, index: u8, took_ms: u32) -> RoundReport {
    RoundReport {
        host,
        round: 1,
        finds: BTreeMap::from([(index, took_ms)]),
    }
}

#[test]
fn the_earlier_find_wins_although_it_is_heard_later() {
    let players = ids();
    let mut host = host(RoundKind::Duel, players, 2);
    let asked = host.round().asked_at_ms;
    assert_eq!(asked, START_MS + FIRST_PAUSE_MS, "asked for in the future");
    host.report(players[0], &report(players[0], 0, 900), asked + 900);
    assert!(!host.advance(asked + 1000));
    host.report(players[2], &report(players[0], 0, 700), asked + 1800);
    assert!(!host.advance(asked + 1900));
    assert!(host.advance(asked + 900 + GRACE_MS));
    let win = Win {
        player: 2,
        took_ms: 700,
    };
    assert_eq!(host.round().results, [Some(win)]);
    assert_eq!(host.round().wins(2), 1);
    assert_eq!(host.round().current().unwrap().1.as_str(), "book");
}

#[test]
fn when_all_have_found_it_nobody_waits() {
    let players = ids();
    let mut host = host(RoundKind::Duel, players, 1);
    let asked = host.round().asked_at_ms;
    for (player, took_ms) in players.into_iter().zip([800, 600, 700]) {
        host.report(player, &report(players[0], 0, took_ms), asked + 800);
    }
    assert!(host.advance(asked + 801));
    assert_eq!(host.round().results[0].unwrap().player, 1);
    assert!(host.round().is_over());
    assert!(!host.advance(asked + 100_000));
}

#[test]
fn nobody_wins_a_target_that_nobody_finds() {
    let players = ids();
    let mut host = host(RoundKind::Duel, players, 1);
    let asked = host.round().asked_at_ms;
    assert!(!host.advance(asked + TARGET_MS));
    assert!(host.advance(asked + TARGET_MS + GRACE_MS));
    assert_eq!(host.round().results, [None]);
}

#[test]
fn in_a_relay_the_turns_go_round() {
    let players = ids();
    let mut host = host(RoundKind::Relay, players, 4);
    for turn in 0..4_u8 {
        let asked = host.round().asked_at_ms;
        let on_turn = usize::from(turn) % 3;
        let other = players[(on_turn + 1) % 3];
        host.report(other, &report(players[0], turn, 100), asked + 100);
        assert!(!host.advance(asked + 100 + GRACE_MS), "not its turn");
        host.report(
            players[on_turn],
            &report(players[0], turn, 2000),
            asked + 2000,
        );
        assert!(host.advance(asked + 2001), "turn {turn}");
    }
    assert!(host.round().is_over());
    assert_eq!([0, 1, 2].map(|player| host.round().wins(player)), [2, 1, 1]);
}

#[test]
fn impossible_reports_do_not_count() {
    let players = ids();
    let mut host = host(RoundKind::Duel, players, 1);
    let asked = host.round().asked_at_ms;
    let stranger = SecretKey::generate().public();
    host.report(stranger, &report(players[0], 0, 10), asked + 10);
    host.report(players[1], &report(players[0], 3, 10), asked + 10);
    host.report(players[1], &report(players[0], 0, 20_000), asked + 10);
    let of_another_round = RoundReport {
        round: 2,
        ..report(players[0], 0, 10)
    };
    host.report(players[1], &of_another_round, asked + 10);
    assert!(!host.advance(asked + 5000));
}

#[test]
fn a_player_reports_what_it_saw_after_it_was_asked() {
    let players = ids();
    let host = host(RoundKind::Duel, players, 1);
    let round = host.round();
    let mut player = RoundPlayer::new(players[0], round.id);
    assert!(
        !player.found(round, players[1], round.asked_at_ms - 1),
        "before"
    );
    assert!(!player.found(round, SecretKey::generate().public(), round.asked_at_ms + 1));
    assert!(player.found(round, players[1], round.asked_at_ms + 250));
    assert!(
        !player.found(round, players[1], round.asked_at_ms + 300),
        "twice"
    );
    assert_eq!(player.report().finds, BTreeMap::from([(0, 250)]));
}

#[test]
fn a_round_of_a_hostile_host_is_recognised() {
    let players = ids();
    let good = host(RoundKind::Duel, players, 2).round().clone();
    assert!(good.is_plausible(players[0]));
    assert!(!good.is_plausible(players[1]), "somebody else's");
    let mut bad = good.clone();
    bad.results = vec![Some(Win {
        player: 9,
        took_ms: 1,
    })];
    assert!(!bad.is_plausible(players[0]));
    bad = good.clone();
    bad.targets.clear();
    assert!(!bad.is_plausible(players[0]));
    bad = good;
    bad.results = vec![None; 3];
    assert!(!bad.is_plausible(players[0]));
}

#[test]
fn a_round_needs_two_and_a_target() {
    let [one, two, _] = ids();
    let new = |players, count| RoundHost::new(1, RoundKind::Duel, players, targets(count), 0);
    assert_eq!(new(vec![one], 1).unwrap_err(), RoundError::Nobody);
    assert_eq!(new(vec![one, two], 0).unwrap_err(), RoundError::NoTargets);
}
