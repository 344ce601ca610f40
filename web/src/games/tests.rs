//! Followers of the games.

use std::time::Duration;

use play::{GameText, Moment, OwnText, Region};
use serde_json::Value;

use super::*;

#[test]
fn moments_say_nothing_of_tracks_and_places() {
    let moment = Moment {
        frame_seq: 7,
        source_number: 3,
        track_id: Some(11),
        region: Some(Region::new(0.1, 0.2, 0.3, 0.4)),
        caption: GameText::Own(OwnText::ForAll("a cup".to_owned())),
    };
    let told = PlayNews::of_event(&GameEvent::KeepMoment { round: 2, moment });
    let told: Value = serde_json::from_str(&told.data).expect("JSON");
    let expected = serde_json::json!(
        {"event": "keep_moment", "round": 2, "moment": {"caption": "a cup"}}
    );
    assert_eq!(told, expected);
}

fn games() -> Arc<StationGames> {
    let games = StationGames::new(&PlayConfig::default(), None, WallClock::start());
    Arc::new(games.expect("valid"))
}

#[tokio::test]
async fn followers_get_the_state_first_and_share_what_comes_later() {
    let games = games();
    let (mut one, mut other) = (games.follow(), games.follow());
    let (one, other) = (one.as_mut().expect("room"), other.as_mut().expect("room"));
    for follower in [&mut *one, &mut *other] {
        let first = follower.next().await.expect("the state");
        assert_eq!(first.name, "state");
        let state: Value = serde_json::from_str(&first.data).expect("JSON");
        assert!(state["now_ms"].as_u64() > Some(0) && state["view"].is_null());
    }
    let now = Instant::now();
    games.update(now, |rounds| {
        let labels = ["person".to_owned()];
        let events = rounds.follow_model("test", &labels, &play::MeasuredModels::default());
        ((), events)
    });
    let started = games.start(GameKind::HowMany, StartedBy::Owner, now);
    let round = started.expect("started").round;
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (same, news) = (one.next().await, other.next().await);
        let (same, news) = (same.expect("news"), news.expect("news"));
        assert!(Arc::ptr_eq(&same, &news), "written once");
        names.push(news.name);
        texts.push(news.data.clone());
    }
    // The model makes games startable.
    assert_eq!(names, ["state", "game", "state"]);
    let state: Value = serde_json::from_str(&texts[2]).expect("JSON");
    assert_eq!(state["view"]["round"], round);
    assert_eq!(state["view"]["countdown"]["total_ms"], 4000);
}

#[tokio::test]
async fn who_misses_news_gets_the_state() {
    let games = games();
    let mut follower = games.follow().expect("room");
    follower.next().await;
    for round in 0..200 {
        let news = PlayNews::of_event(&GameEvent::RoundCleared { round });
        games.news.send(Arc::new(news)).expect("followed");
    }
    let next = tokio::time::timeout(Duration::from_secs(20), follower.next()).await;
    assert_eq!(next.expect("in time").expect("news").name, "state");
}

#[test]
fn followers_are_limited_and_places_are_free_again() {
    let games = games();
    let followers: Vec<_> = std::iter::from_fn(|| games.follow()).collect();
    assert_eq!(followers.len(), FOLLOWERS_MAX);
    drop(followers);
    assert!(games.follow().is_some());
}
