//! Forged and replayed datagrams, and addresses of third parties.

use super::*;

#[test]
fn unauthenticated_messages_change_nothing() {
    let mut world = world();
    let wrong_password = |name| Credentials {
        pwd: "neither one's password".to_owned(),
        ..credentials(name)
    };
    let attacker = checks(
        &wrong_password("theirs"),
        &wrong_password("ours"),
        Role::Controlling,
    );
    let (_, bytes) = attacker.request(1, true).expect("a check");
    assert_eq!(world.take(&bytes, udp(1)), StunResult::Unauthenticated);
    assert!(world.sent().is_empty());
    assert!(!world.agent.was_checked());
    let sent = world.check(udp(1), true);
    let request = Message::parse(sent[1].bytes()).expect("our check");
    let forged = attacker.answer(&request, udp(1).remote).expect("an answer");
    assert_eq!(world.take(&forged, udp(1)), StunResult::Unauthenticated);
    let conflict = attacker
        .error_response(&request, ROLE_CONFLICT)
        .expect("an answer");
    assert_eq!(world.take(&conflict, udp(1)), StunResult::Unauthenticated);
    assert_eq!(
        world.agent.checks.role,
        Role::Controlled,
        "the role is unchanged"
    );
    // The viewer's own response still counts.
    assert_eq!(world.answer(&sent), StunResult::Validated);
}

#[test]
fn credentials_of_another_session_are_rejected() {
    let mut world = world();
    let other = checks(
        &credentials("others"),
        &credentials("ours"),
        Role::Controlling,
    );
    let (_, bytes) = other.request(1, true).expect("a check");
    assert_eq!(world.take(&bytes, udp(1)), StunResult::Unauthenticated);
}

#[test]
fn a_response_from_another_address_proves_nothing() {
    let mut world = world();
    let sent = world.check(udp(1), true);
    let mut elsewhere = sent[1].clone();
    elsewhere.path = udp(2);
    assert_eq!(world.answer(&[elsewhere]), StunResult::Handled);
    assert_eq!(world.agent.path(), None);
}

#[test]
fn a_replayed_check_from_another_address_redirects_nothing() {
    let mut world = world();
    world.connect(udp(1));
    let (_, recorded) = world.viewer.request(u32::MAX, true).expect("a check");
    world.take(&recorded, udp(1));
    world.sent();
    for port in 2..500 {
        world.now += 200 * MS;
        world.take(&recorded, udp(port));
        world.agent.tick(world.now);
        let sent = world.sent();
        let own: Vec<Run> = sent.into_iter().filter(|run| run.path == udp(1)).collect();
        world.answer(&own);
        assert_eq!(world.agent.path(), Some(udp(1)), "after {port}");
    }
    assert_eq!(world.agent.state(), IceState::Up);
}

#[test]
fn unproven_addresses_get_no_more_bytes_than_were_received() {
    let mut world = world();
    let (mut received, mut sent) = (OFFER_BYTES, 0);
    for port in 1..2000 {
        let (_, bytes) = world.viewer.request(1, true).expect("a check");
        received += bytes.len() + 28;
        world.take(&bytes, udp(port));
        for _ in 0..5 {
            world.now += 100 * MS;
            world.agent.heard_at = world.now;
            world.agent.tick(world.now);
        }
        let out = world.sent();
        sent += out.iter().map(|run| run.bytes().len() + 28).sum::<usize>();
        assert!(sent <= received, "{sent} of {received} bytes after {port}");
    }
    assert!(
        sent > received / 2,
        "the budget is used: {sent} of {received}"
    );
    // The viewer itself can still connect.
    for _ in 0..20 {
        world.now += 100 * MS;
        let out = world.check(udp(9999), true);
        world.answer(&out);
        world.agent.tick(world.now);
        let out = world.sent();
        world.answer(&out);
    }
    assert_eq!(world.agent.path(), Some(udp(9999)));
}

#[test]
fn addresses_of_a_lite_viewer_get_no_more_bytes_than_the_offer_had() {
    let mut world = world_of(Role::Controlling);
    for port in 1..=16 {
        world.agent.add_remote(&RemoteCandidate {
            addr: udp(port).remote,
            priority: 5,
        });
    }
    let mut sent = 0;
    for _ in 0..600 {
        world.now += 100 * MS;
        world.agent.tick(world.now);
        let out = world.sent();
        sent += out.iter().map(|run| run.bytes().len() + 28).sum::<usize>();
    }
    assert!((OFFER_BYTES / 2..=OFFER_BYTES).contains(&sent), "{sent}");
}

#[test]
fn unknown_comprehension_required_attributes_are_rejected() {
    let mut world = world();
    let draft = crate::transport::stun::Draft::new(Class::Request, [3; 12])
        .with(crate::transport::stun::USERNAME, b"ours:theirs")
        .with(crate::transport::stun::USE_CANDIDATE, &[])
        .with(0x7abc, &[]);
    let provider = crypto::default_provider().expect("a crypto provider");
    let bytes = draft
        .seal(&credentials("ours").pwd, provider.crypto())
        .expect("short");
    world.take(&bytes, udp(1));
    let sent = world.sent();
    let error_response = Message::parse(sent[0].bytes()).expect("STUN");
    assert_eq!((sent.len(), error_response.error_code()), (1, Some(420)));
    assert!(world.viewer.is_answered_by(&error_response));
    assert!(world.agent.pairs.is_empty());
}
