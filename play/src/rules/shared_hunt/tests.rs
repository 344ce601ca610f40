use super::*;
use crate::GamesSettings;
use crate::seen::{Region, SeenObject};
use crate::start::StartedBy;
use crate::synthetic::PlayedGames;
use crate::words::GameWords;

const CUP: usize = 2;
const BOTTLE: usize = 3;

fn object(class_id: usize) -> SeenObject {
    crate::synthetic::object(1, class_id, Region::new(0.4, 0.4, 0.6, 0.6))
}

fn shared(played: &PlayedGames, game: GameKind, own: usize) -> SharedRound {
    SharedRound {
        id: 7,
        game,
        players: vec!["north".to_owned(), "south".to_owned()],
        own,
        targets: vec!["cup".to_owned(), "bottle".to_owned()],
        results: Vec::new(),
        asked_at: played.frames.now + Duration::from_secs(4),
    }
}

fn follow(played: &mut PlayedGames, shared: Option<&SharedRound>) {
    let events = played.games.follow_shared(shared, played.frames.now);
    played.events.extend(events);
}

fn started(game: GameKind, own: usize) -> (PlayedGames, SharedRound) {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    let round = shared(&played, game, own);
    follow(&mut played, Some(&round));
    (played, round)
}

fn line(played: &PlayedGames) -> String {
    let view = played.games.view().expect("something is shown");
    GameWords::new("en").say(&view.line)
}

fn finds(played: &PlayedGames) -> usize {
    played.count_events(|event| matches!(event, GameEvent::TargetSeen { .. }))
}

#[test]
fn a_target_counts_from_the_moment_at_which_all_are_asked() {
    let (mut played, _) = started(GameKind::Duel, 0);
    played.play(Duration::from_millis(3900), |_| vec![object(CUP)]);
    assert_eq!(finds(&played), 0, "too early");
    played.play(Duration::from_secs(1), |_| vec![object(CUP)]);
    assert_eq!(finds(&played), 1);
    played.play(Duration::from_secs(2), |_| vec![object(CUP)]);
    assert_eq!(finds(&played), 1, "once");
    let asked = played.count_events(|event| matches!(event, GameEvent::Asked { .. }));
    assert_eq!(asked, 1);
    assert_eq!(line(&played), "Found!");
}

#[test]
fn what_the_host_decides_is_shown_and_the_winner_named() {
    let (mut played, mut round) = started(GameKind::Duel, 0);
    played.play(Duration::from_secs(6), |_| Vec::new());
    let south = SharedWin {
        player: 1,
        took: Duration::from_secs(2),
    };
    round.results = vec![Some(south)];
    round.asked_at = played.frames.now + Duration::from_secs(4);
    follow(&mut played, Some(&round));
    played.play(Duration::from_secs(1), |_| Vec::new());
    assert_eq!(line(&played), "south was first");
    played.play(Duration::from_secs(4), |_| vec![object(BOTTLE)]);
    assert_eq!(finds(&played), 1);
    let north = SharedWin { player: 0, ..south };
    round.results = vec![Some(south), Some(north)];
    follow(&mut played, Some(&round));
    played.play(Duration::from_secs(4), |_| Vec::new());
    let outcome = played.outcome().expect("it is over");
    assert_eq!(GameWords::new("en").say(&outcome.headline), "A draw");
    assert_eq!(outcome.score, None);
}

#[test]
fn in_a_relay_only_the_station_on_turn_finds() {
    let (mut played, mut round) = started(GameKind::Relay, 1);
    played.play(Duration::from_secs(6), |_| vec![object(CUP)]);
    assert_eq!(finds(&played), 0);
    assert_eq!(line(&played), "It is the turn of north");
    round.results = vec![None];
    round.asked_at = played.frames.now + Duration::from_secs(1);
    follow(&mut played, Some(&round));
    played.play(Duration::from_secs(3), |_| vec![object(BOTTLE)]);
    assert_eq!(finds(&played), 1);
}

#[test]
fn a_round_ends_when_its_host_is_gone_and_one_that_was_stopped_does_not_come_back() {
    let (mut played, round) = started(GameKind::Duel, 1);
    played.play(Duration::from_secs(1), |_| Vec::new());
    follow(&mut played, None);
    assert!(played.games.view().is_none());
    let (mut played, _) = started(GameKind::Duel, 1);
    let events = played.games.stop(played.frames.now);
    played.events.extend(events);
    follow(&mut played, Some(&round));
    assert!(played.games.view().is_none(), "stopped here");
}

#[test]
fn a_shared_round_needs_partners_and_is_started_by_the_mesh() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    let now = played.frames.now;
    let may = |played: &PlayedGames| {
        played
            .games
            .check_start(GameKind::Duel, StartedBy::Owner, now)
    };
    assert_eq!(may(&played), Err(crate::StartError::NoPartners));
    played.games.set_partners(1);
    assert_eq!(may(&played), Ok(()));
    assert!(played.games.offered().any(|game| game == GameKind::Duel));
}
