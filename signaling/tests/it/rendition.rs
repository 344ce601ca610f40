//! The cause of a change of a viewer's rendition, as reports and metrics show it.

use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use signaling::metrics::{EngineMetrics, RenditionChange};
use signaling::whep::{Whep, WhepPost};
use signaling::{Demand, Engine, EngineConfig};

use crate::client::Client;
use crate::studio::{block_on, eventually, id_of};

#[test]
fn a_choice_by_hand_is_reported_and_counted() {
    let (metrics, mut registry) = (Arc::new(EngineMetrics::default()), Registry::default());
    metrics.register(&mut registry);
    let config = EngineConfig {
        media_port: 0,
        ..EngineConfig::default()
    };
    let (engine, _sink) = Engine::start(config, Demand::new(), metrics).expect("a free port");
    let whep = Whep::new(engine.clone());
    let client = Client::new();
    let reply = block_on(whep.post(WhepPost {
        rendition: None,
        content_type: Some("application/sdp"),
        host: Some("localhost:8080"),
        body: client.offer.as_bytes(),
    }));
    let id = id_of(reply.header("Location").expect("a session")).to_owned();
    let last_change = || Some(engine.viewers().first()?.rendition_change);
    eventually("a report", || last_change() == Some(None));
    let chosen = block_on(whep.put_rendition(&id, b"360p"));
    assert_eq!(chosen.status, 204, "{}", chosen.body);
    eventually("the cause", || {
        last_change() == Some(Some(RenditionChange::Chosen))
    });
    let mut shown = String::new();
    text::encode(&mut shown, &registry).expect("text");
    let line = r#"carrier_rendition_changes_total{cause="chosen"} 1"#;
    assert!(shown.contains(line), "{shown}");
    engine.stop();
}
