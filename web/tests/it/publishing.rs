//! `[publish]`: what the status shows, and which secrets it hides.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::station::{Station, get};
use crate::timing::HANG_TIMEOUT;

#[test]
fn nothing_is_published_unless_configured() {
    let station = Station::start(&["--model", "none"]);
    assert!(station.status()["publish"].is_null());
    let (_, metrics) = get(&station.at("/metrics"));
    assert!(!metrics.contains("carrier_publish"));
}

#[test]
fn an_unreachable_whip_server_is_reported_without_secrets() {
    // Bound and closed again, so that nothing listens there.
    let gone = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = gone.local_addr().expect("bound").port();
    drop(gone);
    let text = format!(
        "[publish]\nurl = \"http://127.0.0.1:{port}/secret-path\"\ntoken = \"secret-token\"\n"
    );
    let station = Station::configured(&text, &["--model", "none"]);
    let until = Instant::now() + HANG_TIMEOUT;
    let publish = loop {
        let publish = station.status()["publish"].clone();
        if publish["state"] == "waiting" {
            break publish;
        }
        assert!(Instant::now() < until, "{publish}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(publish["host"], format!("http://127.0.0.1:{port}"));
    assert!(publish["since_s"].is_u64());
    let reason = publish["reason"].as_str().expect("a reason");
    assert!(reason.contains("cannot be reached"), "{reason}");
    let (_, metrics) = get(&station.at("/metrics"));
    let failure = "carrier_publish_failures_total{reason=\"Unreachable\"}";
    assert!(metrics.contains(failure), "{metrics}");
    assert!(metrics.contains("carrier_publish_state{state=\"live\"} 0"));
    for told in [&publish.to_string(), &metrics] {
        assert!(!told.contains("secret"), "{told}");
    }
    station.wait_ready();
}
