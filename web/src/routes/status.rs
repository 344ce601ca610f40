//! How the station is doing, for the page and for scripts.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::App;
use crate::report::{DetectorReport, SourceReport};

#[derive(Debug, Serialize)]
pub(super) struct Status {
    version: &'static str,
    name: String,
    uptime_s: u64,
    /// Unix time: a page far away learns by how much its clock differs from the timecode's.
    now_ms: u64,
    source: SourceReport,
    detector: DetectorReport,
    viewers: usize,
    rendition: RenditionReport,
    media_port: u16,
}

#[derive(Debug, Serialize)]
struct RenditionReport {
    width: u32,
    height: u32,
    fps: u32,
    bitrate_bps: u32,
}

pub(super) async fn status(State(app): State<Arc<App>>) -> Json<Status> {
    let rendition = app.rendition();
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        name: app.config.name.clone(),
        now_ms: app.clock.unix_ms(Instant::now()),
        uptime_s: app.clock.origin().elapsed().as_secs(),
        source: SourceReport::of(app.signal.latest().as_deref()),
        detector: DetectorReport::of(&app.detector_state(), &app.detector_rate()),
        viewers: app.engine.viewers().len(),
        rendition: RenditionReport {
            width: rendition.width,
            height: rendition.height,
            fps: rendition.fps,
            bitrate_bps: rendition.bitrate_bps,
        },
        media_port: app.engine.media_port(),
    })
}

#[derive(Debug, Serialize)]
pub(super) struct ViewerReport {
    connected: bool,
    age_s: f64,
    rtt_ms: Option<f64>,
    loss: Option<f32>,
}

/// Who watches, by figures alone: an address is nobody else's business.
pub(super) async fn viewers(State(app): State<Arc<App>>) -> Json<Vec<ViewerReport>> {
    let viewers = app.engine.viewers();
    let report = |viewer: &signaling::ViewerSummary| ViewerReport {
        connected: viewer.connected,
        age_s: viewer.watched_for.as_secs_f64(),
        rtt_ms: viewer.round_trip.map(|rtt| rtt.as_secs_f64() * 1e3),
        loss: viewer.loss,
    };
    Json(viewers.iter().map(report).collect())
}
