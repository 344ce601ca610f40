//! The feed without WebRTC: a JPEG snapshot, or MJPEG.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use signaling::Composed;
use signaling::whep::{Place as _, ViewerLimit};
use tokio::time::{Instant, sleep_until};

use crate::access::admission::ViewerPlace;
use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::yes_no_field;
use crate::routes::contract::operation::Operation;
use crate::stills::{StillError, StillKind};

const RETRY_AFTER_S: &str = "5";
const BOUNDARY: &str = "carrier-frame";
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
        StillKind::Painted
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

/// overflow: newest-wins (a picture is encoded only when the connection asks for the next one)
pub(super) async fn mjpeg(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
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
    let state = MjpegViewer {
        place,
        lease: app.slots.demand.watch_picture(),
        pictures: app.slots.composed.reader(),
        next_at: Instant::now(),
        period: Duration::from_secs_f32(1.0 / fps),
        app,
    };
    let parts = stream::unfold(state, |mut viewer| async move {
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

/// A viewer of the MJPEG stream. Its lease counts as demand for pictures.
struct MjpegViewer {
    #[expect(dead_code, reason = "held for its drop")]
    place: ViewerPlace,
    #[expect(dead_code, reason = "held for its drop")]
    lease: signaling::PictureLease,
    pictures: capture::SlotReader<Composed>,
    next_at: Instant,
    period: Duration,
    app: Arc<App>,
}

impl MjpegViewer {
    /// Waits until the frame rate allows the next part, then for a new picture.
    async fn part(&mut self) -> Option<Bytes> {
        sleep_until(self.next_at).await;
        loop {
            let epoch = self.app.slots.demand.picture_epoch().now();
            let picture = self.pictures.next().await?;
            self.next_at = Instant::now() + self.period;
            let jpeg = self.app.stills.jpeg(picture, StillKind::Painted).await;
            if epoch != self.app.slots.demand.picture_epoch().now() {
                // overflow: newest-wins, uncounted: it was taken back meanwhile.
                continue;
            }
            match jpeg {
                Ok(jpeg) => return Some(frame_part(&jpeg)),
                Err(error) => {
                    tracing::warn!(%error, "a picture of an MJPEG stream could not be encoded and is skipped")
                }
            }
        }
    }
}

/// A part's header, the picture, and the next boundary: browsers display a part only after the following
/// boundary, which must not wait for the next picture.
fn frame_part(jpeg: &[u8]) -> Bytes {
    let head = format!(
        "Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        jpeg.len()
    );
    let tail = format!("\r\n--{BOUNDARY}\r\n");
    let mut part = BytesMut::with_capacity(head.len() + jpeg.len() + tail.len());
    part.extend_from_slice(head.as_bytes());
    part.extend_from_slice(jpeg);
    part.extend_from_slice(tail.as_bytes());
    part.freeze()
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
        .query("fps", "Pictures a second, 0.2 to 30; 15 by default.")
        .media(200, "multipart/x-mixed-replace"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_comes_with_the_picture_before_it() {
        let part = frame_part(&[0xFF, 0xD8, 0xFF, 0xD9]);
        assert!(part.starts_with(b"Content-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n"));
        assert!(part.ends_with(b"\xFF\xD9\r\n--carrier-frame\r\n"));
    }
}
