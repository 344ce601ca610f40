use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn attracting() -> StartRules {
    StartRules {
        attraction_after: Some(3 * MINUTE),
        ..StartRules::default()
    }
}

#[test]
fn the_owner_may_always_and_visitors_if_allowed_and_nobody_plays() {
    let now = Instant::now();
    let schedule = StartSchedule::new(now);
    let game = GameKind::HowMany;
    let mut rules = StartRules::default();
    let may = |rules: &StartRules, by, running| schedule.may_start(by, game, rules, running, now);
    let (owner, visitor) = (StartedBy::Owner, StartedBy::Visitor);
    assert_eq!(may(&rules, visitor, None), Ok(()));
    assert_eq!(may(&rules, owner, Some(visitor)), Ok(()));
    let running = Err(StartError::RoundRunning);
    assert_eq!(may(&rules, visitor, Some(owner)), running);
    assert_eq!(may(&rules, visitor, Some(visitor)), running);
    assert_eq!(may(&rules, visitor, Some(StartedBy::Attraction)), Ok(()));
    assert_eq!(may(&rules, StartedBy::Attraction, Some(visitor)), running);
    rules.visitors_may_start = false;
    assert_eq!(may(&rules, visitor, None), Err(StartError::VisitorsMayNot));
    rules.offered.clear();
    assert_eq!(may(&rules, owner, None), Err(StartError::NotOffered));
}

#[test]
fn after_a_round_visitors_wait_and_the_owner_does_not() {
    let start = Instant::now();
    let mut schedule = StartSchedule::new(start);
    let rules = StartRules::default();
    schedule.round_ended(start + MINUTE);
    let may = |by, now| schedule.may_start(by, GameKind::HowMany, &rules, None, now);
    let soon = start + MINUTE + Duration::from_secs(2);
    let wait = Duration::from_secs(3);
    assert_eq!(
        may(StartedBy::Visitor, soon),
        Err(StartError::TooSoon { wait })
    );
    assert_eq!(may(StartedBy::Owner, soon), Ok(()));
    assert_eq!(may(StartedBy::Visitor, soon + wait), Ok(()));
}

#[test]
fn the_attraction_needs_quiet_and_somebody_in_view() {
    let start = Instant::now();
    let rules = attracting();
    let mut schedule = StartSchedule::new(start);
    let quiet = start + 3 * MINUTE;
    assert!(
        schedule.attraction(&rules, quiet).is_empty(),
        "nobody in view"
    );
    schedule.saw(true, quiet);
    assert!(schedule.attraction(&rules, quiet).is_empty(), "passes by");
    let later = quiet + IN_VIEW_FOR;
    schedule.saw(true, later);
    assert!(!schedule.attraction(&rules, later).is_empty());
    schedule.interacted(later);
    assert!(
        schedule.attraction(&rules, later + MINUTE).is_empty(),
        "used"
    );
    assert!(!schedule.attraction(&rules, later + 3 * MINUTE).is_empty());
    schedule.saw(false, later);
    assert!(
        schedule.attraction(&rules, later + 4 * MINUTE).is_empty(),
        "left"
    );
}

#[test]
fn the_attraction_is_off_by_default() {
    let start = Instant::now();
    let mut schedule = StartSchedule::new(start);
    schedule.saw(true, start);
    let much_later = start + 1000 * MINUTE;
    assert!(
        schedule
            .attraction(&StartRules::default(), much_later)
            .is_empty()
    );
}

#[test]
fn the_attraction_takes_turns_and_takes_no_pictures() {
    let start = Instant::now();
    let rules = attracting();
    let mut schedule = StartSchedule::new(start);
    schedule.saw(true, start);
    let now = start + 10 * MINUTE;
    let first: Vec<_> = (0..5)
        .map(|_| schedule.attraction(&rules, now)[0])
        .collect();
    assert_eq!(first[0], first[4]);
    assert_eq!(
        first[..4]
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4
    );
    assert!(!first.contains(&GameKind::GroupPhoto));
}
