//! The state of the station: `/api/status`, `/api/viewers`, health checks and metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use signaling::metrics::RenditionChange;
use signaling::{Rendition, ViewerSummary};

use crate::app::App;
use crate::layers::identify::Requester;
use crate::routes::contract::operation::Operation;
use crate::routes::offers::model_change;
use crate::routes::status::power_report::PowerReport;
use crate::routes::status::report::{
    DetectorReport, ListedCamera, PrivacyReport, PublishReport, SourceReport, readiness,
};
use crate::routes::stylise::{self, BoothStatus};

mod power_report;
pub(super) mod report;

/// The public part, and the feed's part for requests that may watch.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    version: &'static str,
    name: String,
    uptime_s: u64,
    /// Unix time, by which a remote page estimates its clock offset.
    now_ms: u64,
    /// The station stops, usually to start again: clients come back in a few seconds.
    stopping: bool,
    media_port: u16,
    /// `None`: there is no HTTPS.
    https_port: Option<u16>,
    #[serde(flatten)]
    feed: Option<FeedStatus>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FeedStatus {
    source: SourceReport,
    /// The cameras that have names, in the order of the configuration.
    cameras: Vec<ListedCamera>,
    detector: DetectorReport,
    viewers: usize,
    /// Largest first.
    renditions: Vec<RenditionReport>,
    publish: Option<PublishReport>,
    privacy: PrivacyReport,
    /// For the owner only; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<PowerReport>,
    /// `None`: there is no photo booth.
    stylise: Option<BoothStatus>,
    /// Whether there are games.
    play: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RenditionReport {
    name: String,
    width: u32,
    height: u32,
    fps: u32,
    /// The encoder's current target.
    bitrate_bps: u32,
    viewers: usize,
    /// `false` while the power profile withholds it.
    offered: bool,
}

pub(crate) async fn status(State(app): State<Arc<App>>, requester: Requester) -> Json<Status> {
    let feed = if requester.rights.watch {
        Some(feed_status(&app, requester.rights.admin).await)
    } else {
        None
    };
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        name: app.settings.present().name.clone(),
        now_ms: app.slots.clock.unix_ms(Instant::now()),
        uptime_s: app.slots.clock.origin().elapsed().as_secs(),
        stopping: app.stopping.has_begun(),
        media_port: app.engine.media_port(),
        https_port: app.served.https.map(|https| https.at.port()),
        feed,
    })
}

/// Paths of this machine are for the owner only.
async fn feed_status(app: &App, is_owner: bool) -> FeedStatus {
    let viewers = app.engine.viewers();
    let report = |rendition: Rendition| RenditionReport {
        name: rendition.name(),
        width: rendition.width,
        height: rendition.height,
        fps: rendition.fps,
        bitrate_bps: rendition.bitrate_bps,
        viewers: viewers
            .iter()
            .filter(|viewer| viewer.rendition == rendition.id)
            .count(),
        offered: !app.slots.demand.is_withheld(rendition.id),
    };
    let publish = app
        .publisher
        .as_ref()
        .map(|publisher| PublishReport::of(publisher, &app.renditions(), Instant::now()));
    let source = SourceReport::of(app.effective_signal().as_ref()).measured(
        app.slots.switch.frame_rate(Instant::now()),
        app.slots.switch.guest_is_live(),
    );
    let detector =
        DetectorReport::of(&app.detector_state(), &app.detector_rate()).changing(model_change(app));
    let cameras = app.slots.switch.cameras().into_iter().map(ListedCamera::of);
    let (source, detector, cameras) = match is_owner {
        true => (source, detector, cameras.collect()),
        false => (
            source.for_visitors(),
            detector.for_visitors(),
            cameras.map(ListedCamera::for_visitors).collect(),
        ),
    };
    FeedStatus {
        source,
        cameras,
        detector,
        viewers: viewers.len(),
        renditions: app.renditions().into_iter().map(report).collect(),
        publish,
        privacy: PrivacyReport::of(app),
        power: is_owner.then(|| PowerReport::of(&app.power.view())),
        stylise: stylise::status(app).await,
        play: app.games.is_enabled(),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ViewerReport {
    connected: bool,
    age_s: f64,
    rtt_ms: Option<f64>,
    loss: Option<f32>,
    rendition: Option<String>,
    /// Why that last changed; absent before the first change.
    #[serde(skip_serializing_if = "Option::is_none")]
    rendition_change: Option<&'static str>,
    /// Bandwidth estimate; `None`: no limit is known.
    estimate_bps: Option<u32>,
    /// Total time from each loss of the picture to the next keyframe.
    frozen_s: f64,
}

/// Statistics of each viewer, without addresses.
pub(crate) async fn viewers(State(app): State<Arc<App>>) -> Json<Vec<ViewerReport>> {
    let viewers = app.engine.viewers();
    let renditions = app.renditions();
    let report = |viewer: &ViewerSummary| ViewerReport {
        connected: viewer.connected,
        age_s: viewer.watched_for.as_secs_f64(),
        rtt_ms: viewer.round_trip.map(|rtt| rtt.as_secs_f64() * 1e3),
        loss: viewer.loss,
        rendition: renditions
            .get(viewer.rendition.index())
            .map(Rendition::name),
        rendition_change: viewer.rendition_change.map(RenditionChange::as_str),
        estimate_bps: viewer.estimate_bps,
        frozen_s: viewer.frozen_for.as_secs_f64(),
    };
    Json(viewers.iter().map(report).collect())
}

/// 200 unless a thread of the program is dead or hangs, which only a restart repairs. A missing source
/// is no such fault.
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> Response {
    let faults = app.threads.faults(Instant::now());
    if faults.is_empty() {
        return "ok\n".into_response();
    }
    let message: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}

/// 200 once frames arrive and the model, if one loads, is warm, until the station stops.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    if app.stopping.has_begun() {
        let text = "not ready: the station stops\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let frames_flow = app.slots.frames.latest().is_some();
    let signal = app.effective_signal();
    let (status, text) = match readiness(signal.as_ref(), &app.detector_state(), frames_flow) {
        Ok(note) => (StatusCode::OK, format!("ready{note}\n")),
        Err(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        ),
    };
    (status, text).into_response()
}

pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &app.registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// For the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/status", "What the station is doing.")
            .note("Without the right to watch, only the first members.")
            .json::<Status>(200),
        Operation::get(
            "/api/viewers",
            "Statistics of each viewer, without addresses.",
        )
        .json::<Vec<ViewerReport>>(200),
        Operation::get("/healthz", "Whether every thread of the program works.")
            .media(200, "text/plain"),
        Operation::get("/readyz", "Whether pictures arrive and the model is warm.")
            .media(200, "text/plain"),
        Operation::get("/metrics", "Metrics for Prometheus.")
            .media(200, "application/openmetrics-text"),
    ]
}
