//! How the station is doing, for the page and for scripts.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use signaling::{Rendition, RenditionId, ViewerSummary};

use super::identify::Requester;
use super::stylise::{self, BoothStatus};
use crate::app::App;
use crate::report::{DetectorReport, PublishReport, SourceReport};

/// What anybody may know. Whoever may watch is told more.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    version: &'static str,
    name: String,
    uptime_s: u64,
    /// Unix time: a page far away learns by how much its clock differs from the timecode's.
    now_ms: u64,
    media_port: u16,
    /// Where the same pages are over HTTPS; absent: nowhere.
    https_port: Option<u16>,
    #[serde(flatten)]
    feed: Option<FeedStatus>,
}

#[derive(Debug, Serialize)]
struct FeedStatus {
    source: SourceReport,
    detector: DetectorReport,
    viewers: usize,
    /// What can be watched, largest first.
    renditions: Vec<RenditionReport>,
    publish: Option<PublishReport>,
    /// The photo booth; absent: there is none.
    stylise: Option<BoothStatus>,
}

#[derive(Debug, Serialize)]
struct RenditionReport {
    name: String,
    width: u32,
    height: u32,
    fps: u32,
    /// What its encoder aims at now.
    bitrate_bps: u32,
    viewers: usize,
}

pub(super) async fn status(State(app): State<Arc<App>>, requester: Requester) -> Json<Status> {
    let feed = if requester.rights.watch {
        Some(feed_status(&app, requester.rights.admin).await)
    } else {
        None
    };
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        name: app.config.name.clone(),
        now_ms: app.clock.unix_ms(Instant::now()),
        uptime_s: app.clock.origin().elapsed().as_secs(),
        media_port: app.engine.media_port(),
        https_port: app.served.secure.map(|door| door.at.port()),
        feed,
    })
}

/// Visitors get words; where things lie on this machine is for its owner.
async fn feed_status(app: &App, is_owner: bool) -> FeedStatus {
    let viewers = app.engine.viewers();
    let report = |rendition: Rendition| RenditionReport {
        name: rendition.name(),
        width: rendition.width,
        height: rendition.height,
        fps: rendition.fps,
        bitrate_bps: rendition.bitrate_bps,
        viewers: watching(&viewers, rendition.id),
    };
    let publish = app
        .publisher
        .as_ref()
        .map(|publisher| PublishReport::of(publisher.host(), &publisher.status(), Instant::now()));
    let source = SourceReport::of(app.signal_told().as_ref()).measured(
        app.switch.frame_rate(Instant::now()),
        app.switch.guest_is_on_air(),
    );
    let detector = DetectorReport::of(&app.detector_state(), &app.detector_rate());
    FeedStatus {
        source: if is_owner {
            source
        } else {
            source.for_visitors()
        },
        detector: if is_owner {
            detector
        } else {
            detector.for_visitors()
        },
        viewers: viewers.len(),
        renditions: app.renditions().into_iter().map(report).collect(),
        publish,
        stylise: stylise::status(app).await,
    }
}

fn watching(viewers: &[ViewerSummary], rendition: RenditionId) -> usize {
    viewers
        .iter()
        .filter(|viewer| viewer.rendition == rendition)
        .count()
}

#[derive(Debug, Serialize)]
pub(super) struct ViewerReport {
    connected: bool,
    age_s: f64,
    rtt_ms: Option<f64>,
    loss: Option<f32>,
    /// The name of what it watches.
    rendition: Option<String>,
    /// The most that its network carries; null: no limit is known.
    estimate_bps: Option<u32>,
    /// From each loss of the picture to the next keyframe, in all.
    frozen_s: f64,
}

/// Who watches, by figures alone: an address is nobody else's business.
pub(super) async fn viewers(State(app): State<Arc<App>>) -> Json<Vec<ViewerReport>> {
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
        estimate_bps: viewer.estimate_bps,
        frozen_s: viewer.frozen_for.as_secs_f64(),
    };
    Json(viewers.iter().map(report).collect())
}
