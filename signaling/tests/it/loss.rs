//! Lost packets are retransmitted.

use signaling::metrics::ResendOutcome;

use crate::client::{Client, run};
use crate::clip::eprint_line;
use crate::studio::Studio;

#[test]
fn lost_packets_are_retransmitted() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    clients[0].lose_every = 20;
    run(&mut clients, "losses", |clients| clients[0].lost > 12);
    clients[0].lose_every = 0;
    let before = clients[0].got.len();
    run(&mut clients, "what was lost", |clients| {
        clients[0].got.len() > before + 30 && clients[0].missing() == 0
    });
    let client = &clients[0];
    let sent = |outcome| {
        let resends = &studio.metrics.resends;
        resends.get_or_create_owned(&[("kind", outcome)]).get()
    };
    eprint_line(&format!(
        "{} lost on the way, {} sent again",
        client.lost,
        sent(ResendOutcome::Sent)
    ));
    assert!(studio.metrics.nacks.get() > 0);
    assert!(sent(ResendOutcome::Sent) >= client.lost / 2);
}
