//! The feed without WebRTC: a JPEG snapshot, or MJPEG.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use signaling::whep::{Place as _, ViewerLimit};

use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::yes_no_field;
use crate::http::send_progress::SendProgress;
use crate::mjpeg::{BOUNDARY, MjpegViewer};
use crate::routes::contract::operation::Operation;
use crate::stills::{StillError, StillKind};

const RETRY_AFTER_S: &str = "5";
/// Default MJPEG frame rate, for poor networks and old browsers.
const MJPEG_FPS: f32 = 15.0;

#[derive(Debug, Deserialize)]
pub(super) struct SnapshotQuery {
    #[serde(default, deserialize_with = "yes_no_field")]
    boxes: Option<bool>,
}

pub(super) async fn snapshot(
    State(app): State<Arc<App>>,
    Query(query): Query<SnapshotQuery>,
) -> Response {
    let kind = if query.boxes == Some(false) {
        StillKind::Clean
    } else {
        StillKind::FULL
    };
    match fresh_jpeg(&app, kind).await {
        Ok(jpeg) => {
            let headers = [
                (header::CONTENT_TYPE, "image/jpeg"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, jpeg).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// A new JPEG; a picture is composed for it even if nobody watches.
pub(super) async fn fresh_jpeg(app: &App, kind: StillKind) -> Result<Bytes, StillError> {
    let slots = &app.slots;
    app.stills.fresh(&slots.demand, &slots.composed, kind).await
}

#[derive(Debug, Deserialize)]
pub(super) struct MjpegQuery {
    fps: Option<f32>,
}

/// overflow: newest-wins (a picture is taken and encoded when the connection has sent the one before it)
pub(super) async fn mjpeg(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Extension(progress): Extension<SendProgress>,
    Query(query): Query<MjpegQuery>,
) -> Response {
    if let Err(restarting) = app.stopping.refuse() {
        return restarting.into_response();
    }
    let place = match app.admission.admit(caller.ip) {
        Ok(place) => place,
        Err(why) => return limit_reached(why),
    };
    place.occupy();
    let stop = app.stopping.begun();
    let fps = query
        .fps
        .filter(|fps| fps.is_finite())
        .unwrap_or(MJPEG_FPS)
        .clamp(0.2, 30.0);
    let period = Duration::from_secs_f32(1.0 / fps);
    let viewer = MjpegViewer::new(app, place, progress, period);
    let parts = stream::unfold(viewer, |mut viewer| async move {
        let part = viewer.part().await?;
        Some((Ok::<_, StillError>(part), viewer))
    })
    .take_until(stop);
    let content_type = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let first_boundary = Bytes::from(format!("--{BOUNDARY}\r\n"));
    let parts = stream::once(async { Ok(first_boundary) }).chain(parts);
    (headers, Body::from_stream(parts)).into_response()
}

fn limit_reached(why: ViewerLimit) -> Response {
    let (status, message) = match why {
        ViewerLimit::Station => (StatusCode::SERVICE_UNAVAILABLE, "The station is full.\n"),
        ViewerLimit::Address => (
            StatusCode::TOO_MANY_REQUESTS,
            "There are as many viewers at your address as one may have.\n",
        ),
    };
    (status, [(header::RETRY_AFTER, RETRY_AFTER_S)], message).into_response()
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/snapshot.jpg", "The newest picture.")
            .query("boxes", "0: without boxes.")
            .media(200, "image/jpeg"),
        Operation::get(
            "/stream.mjpg",
            "The pictures as MJPEG, for clients without WebRTC.",
        )
        .note("Size and quality follow what the connection takes, and the newest picture is sent first. Each part has its capture time in `X-Timestamp`.")
        .query("fps", "Pictures a second, 0.2 to 30; 15 by default.")
        .media(200, "multipart/x-mixed-replace"),
    ]
}
