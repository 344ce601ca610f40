//! Role conflicts and the controlling role (RFC 8445 6.1.1, 7.2.5.1, 7.3.1.1).

use super::*;

#[test]
fn the_station_nominates_for_a_lite_viewer() {
    let mut world = world_of(Role::Controlling);
    world.agent.add_remote(&RemoteCandidate {
        addr: udp(1).remote,
        priority: 5,
    });
    assert_eq!(world.agent.due(), Some(world.now));
    world.agent.tick(world.now);
    let sent = world.sent();
    let nominates = |sent: &[Run]| Message::parse(sent[0].bytes()).expect("STUN").nominates();
    assert!(!nominates(&sent), "not before it works");
    world.answer(&sent);
    assert_eq!(world.agent.path(), None);
    world.now += PACE;
    world.agent.tick(world.now);
    let sent = world.sent();
    assert!(nominates(&sent));
    world.answer(&sent);
    assert_eq!(world.agent.path(), Some(udp(1)));
}

/// Both claim `role`; returns the error code of the response, if any, and our role afterwards.
fn conflict(role: Role, ours: u64, theirs: u64) -> (Option<u16>, Role) {
    let mut world = world_of(role);
    (world.viewer.role, world.viewer.tie_breaker) = (role, theirs);
    world.agent.checks.tie_breaker = ours;
    let sent = world.check(udp(1), false);
    let answer = Message::parse(sent[0].bytes()).expect("STUN");
    (answer.error_code(), world.agent.checks.role)
}

#[test]
fn the_larger_tie_breaker_controls() {
    let (controlling, controlled) = (Role::Controlling, Role::Controlled);
    assert_eq!(conflict(controlling, 9, 5), (Some(487), controlling));
    assert_eq!(conflict(controlling, 5, 5), (Some(487), controlling));
    assert_eq!(conflict(controlling, 5, 9), (None, controlled));
    assert_eq!(conflict(controlled, 9, 5), (None, controlling));
    assert_eq!(conflict(controlled, 5, 5), (None, controlling));
    assert_eq!(conflict(controlled, 5, 9), (Some(487), controlled));
}

#[test]
fn a_reported_conflict_changes_our_role_and_tie_breaker() {
    let mut world = world();
    let before = world.agent.checks.tie_breaker;
    let sent = world.check(udp(1), false);
    let ours = Message::parse(sent[1].bytes()).expect("our check");
    let error_response = world
        .viewer
        .error_response(&ours, ROLE_CONFLICT)
        .expect("an answer");
    world.now += PACE;
    assert_eq!(world.take(&error_response, udp(1)), StunResult::Handled);
    assert_eq!(world.agent.checks.role, Role::Controlling);
    assert_ne!(world.agent.checks.tie_breaker, before);
    let again = world.sent();
    let again = Message::parse(again[0].bytes()).expect("our check");
    assert!(
        again
            .tie_breaker(crate::transport::stun::ICE_CONTROLLING)
            .is_some()
    );
}
