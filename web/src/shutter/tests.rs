use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::date;

use super::*;
use crate::config::schedule::ScheduleEntry;
use crate::test_folder::TestFolder;

fn around() -> Surroundings {
    Surroundings {
        local_time: date(2026, 11, 30).at(12, 0, 0, 0),
        networks: Networks::new(),
        unwatched_for: Duration::ZERO,
        lid_closes: false,
    }
}

fn rules_of(demands: &[Demand]) -> Vec<Cause> {
    demands.iter().map(|demand| demand.rule).collect()
}

#[test]
fn nothing_demands_anything_by_default() {
    let around = Surroundings {
        unwatched_for: Duration::from_secs(1_000_000),
        ..around()
    };
    assert!(demands(&PrivacyConfig::default(), &around).is_empty());
}

#[test]
fn each_rule_demands_by_its_own_condition() {
    let lunch = ScheduleEntry {
        days: Vec::new(),
        from: "11:00".to_owned(),
        to: "13:00".to_owned(),
        state: Wanted::Closed,
    };
    let config = PrivacyConfig {
        schedule: vec![lunch],
        close_on_networks: vec!["Hotel".to_owned()],
        close_after_idle_min: 10,
        ..PrivacyConfig::default()
    };
    assert_eq!(rules_of(&demands(&config, &around())), [Cause::Schedule]);
    let around = Surroundings {
        networks: vec!["Hall".to_owned(), "Hotel".to_owned()],
        unwatched_for: Duration::from_secs(600),
        lid_closes: true,
        ..around()
    };
    let all = [Cause::Schedule, Cause::Network, Cause::Idle, Cause::Lid];
    assert_eq!(rules_of(&demands(&config, &around)), all);
}

#[test]
fn an_unknown_network_is_on_no_list() {
    let config = PrivacyConfig {
        open_on_networks: vec!["Home".to_owned()],
        ..PrivacyConfig::default()
    };
    let on = |networks: &[&str]| Surroundings {
        networks: networks.iter().map(|name| (*name).to_owned()).collect(),
        ..around()
    };
    assert_eq!(rules_of(&demands(&config, &on(&[]))), [Cause::Network]);
    assert_eq!(
        rules_of(&demands(&config, &on(&["Cafe"]))),
        [Cause::Network]
    );
    assert!(demands(&config, &on(&["Cafe", "Home"])).is_empty());
}

fn keeper(folder: &TestFolder) -> (ShutterKeeper, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let effect = Box::new(move |_: &ShutterState| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let state = state_at_start(&PrivacyConfig::default(), Some(folder), 0);
    (ShutterKeeper::new(state, Some(folder), effect), calls)
}

#[test]
fn a_decision_has_its_effect_once_and_outlives_the_program() {
    let folder = TestFolder::new();
    let (first, calls) = keeper(&folder);
    assert!(!first.is_closed());
    for _ in 0..2 {
        let view = first.decide(ShutterState::new(true, Cause::Person, 9));
        assert!(view.state.closed && view.is_kept);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let (second, _) = keeper(&folder);
    assert!(second.is_closed());
    assert_eq!(second.audit().len(), 1);
    second.follow(Vec::new(), 10);
    assert!(second.is_closed(), "only a person opens it");
}

#[test]
fn a_rule_opens_after_a_restart_what_a_rule_closed() {
    let folder = TestFolder::new();
    let (first, _) = keeper(&folder);
    let reason = "night".to_owned();
    let rule = Cause::Schedule;
    first.follow(vec![Demand { rule, reason }], 5);
    let (second, calls) = keeper(&folder);
    assert!(second.is_closed(), "from the very first frame");
    second.follow(Vec::new(), 6);
    assert!(!second.is_closed() && calls.load(Ordering::Relaxed) == 1);
}

#[test]
fn without_a_state_folder_it_closes_and_says_that_it_is_not_kept() {
    let state = ShutterState::new(false, Cause::Start, 0);
    let keeper = ShutterKeeper::new(state, None, Box::new(|_| {}));
    let view = keeper.decide(ShutterState::new(true, Cause::Person, 1));
    assert!(view.state.closed && !view.is_kept);
}

#[test]
fn start_closed_closes_each_start() {
    let folder = TestFolder::new();
    let config = PrivacyConfig {
        start_closed: true,
        ..PrivacyConfig::default()
    };
    let state = state_at_start(&config, Some(&folder), 3);
    assert!(state.closed && state.by == Cause::Start);
}
