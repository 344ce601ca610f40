//! A lossy path: what is lost is asked for and comes again.

use std::time::Duration;

use signaling::metrics::ResendOutcome;

use crate::client::{Client, run, run_for};
use crate::clip::eprint_line;
use crate::studio::Studio;

#[test]
fn lost_packets_come_again() {
    let studio = Studio::open();
    let mut clients = [Client::joined(&studio)];
    run(&mut clients, "a picture", |clients| {
        !clients[0].got.is_empty()
    });
    clients[0].lose_every = 20;
    run_for(&mut clients, Duration::from_millis(2000));
    clients[0].lose_every = 0;
    run_for(&mut clients, Duration::from_millis(500));
    let client = &clients[0];
    let sent = |outcome| {
        let resends = &studio.metrics.resends;
        resends.get_or_create_owned(&[("kind", outcome)]).get()
    };
    let mut numbers: Vec<u64> = client.got.iter().map(|got| got.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let span = numbers[numbers.len() - 1] - numbers[0] + 1;
    let missing = span - numbers.len() as u64;
    eprint_line(&format!(
        "{} lost on the way, {} sent again, {missing} of {span} missing in the end",
        client.lost,
        sent(ResendOutcome::Sent)
    ));
    assert!(client.lost > 5 && studio.metrics.nacks.get() > 0);
    assert!(sent(ResendOutcome::Sent) >= client.lost / 2);
    assert_eq!(missing, 0);
}
