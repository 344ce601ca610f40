//! Previews: a visitor's own picture in each style of this machine, small. Nothing of it is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use stylise::{CheckedPicture, Limits, PictureArea, Previews, StylistError};
use tokio::time::timeout;

use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::ApiError;
use crate::metrics::UploadRefusal;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::submit::{UPLOAD_AGAIN, unreadable};
use crate::routes::stylise::upload::{Upload, UploadError, UploadLimits};
use crate::routes::stylise::{busy, no_store};
use crate::stopping::restarting;
use crate::telemetry::spawn_blocking;

/// The ids of the styles, from the top of the picture.
const STYLES: HeaderName = HeaderName::from_static("carrier-styles");
/// The crop that makes a portrait: left, top, width and height in fractions of the picture.
const PORTRAIT: HeaderName = HeaderName::from_static("carrier-portrait");

const BYTES_MAX: usize = Limits::PREVIEW.max_bytes;
/// For a small picture; a phone that takes longer sees the examples.
const LIMITS: UploadLimits = UploadLimits {
    silence: Duration::from_secs(10),
    whole: Duration::from_secs(20),
    least_bytes_per_s: 4000,
    rest: Duration::from_secs(5),
};
/// Time-out for other visitors' previews, and for making one's own; what is not made by then is left out.
const TURN_WITHIN: Duration = Duration::from_secs(6);
const MADE_WITHIN: Duration = Duration::from_secs(6);

/// POST: one JPEG with all previews. Visitors who go on close the connection, which ends the work.
pub(crate) async fn previews(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
) -> Response {
    let body = request.into_body();
    let length = body.size_hint().exact();
    let upload = Upload::new(body, BYTES_MAX, LIMITS);
    let made = match app.stopping.refuse() {
        Ok(()) => make(&app, caller, length, &upload).await,
        Err(restarting) => Err(restarting),
    };
    if made.is_err() {
        tokio::select! {
            () = upload.drain() => {}
            () = app.stopping.uploads_end() => {}
        }
    }
    made.map_or_else(ApiError::into_response, answer)
}

async fn make(
    app: &Arc<App>,
    caller: Caller,
    length: Option<u64>,
    upload: &Upload,
) -> Result<Previews, ApiError> {
    app.booth.get()?;
    let here = app
        .booth
        .builtin()
        .filter(|_| app.settings.present().booth.open);
    let Some(builtin) = here.cloned() else {
        let message = "no previews are made here now: choose a style by its example";
        return Err(ApiError::new(StatusCode::NOT_FOUND, message));
    };
    if length.is_some_and(|length| length > BYTES_MAX as u64) {
        return Err(stopped(app, UploadError::TooLarge));
    }
    let Some(place) = app.booth.upload(caller.ip) else {
        let message = "many send pictures at this moment: try again in a few seconds";
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).again_in(UPLOAD_AGAIN));
    };
    let bytes = tokio::select! {
        bytes = read(app, upload) => bytes?,
        () = app.stopping.uploads_end() => return Err(restarting()),
    };
    // overflow: refused (and the page keeps the examples)
    let turn = timeout(TURN_WITHIN, app.booth.preview_turn()).await;
    let turn = turn.ok().flatten().ok_or_else(busy)?;
    let visit = AbandonedOnDrop(Arc::default());
    let is_abandoned = Arc::clone(&visit.0);
    let made = spawn_blocking(move || {
        // Held until the work ends, even if nobody waits for it any more.
        let _held = (place, turn);
        let picture = CheckedPicture::read(&bytes, &Limits::PREVIEW).map_err(unreadable)?;
        let until = Instant::now() + MADE_WITHIN;
        let made = builtin.previews(&picture, until, &is_abandoned);
        made.map_err(|error| not_made(&error))
    });
    let made = made.await;
    drop(visit);
    made.map_err(|_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "interrupted"))?
}

/// Tells the threads that nobody waits for the previews any more.
struct AbandonedOnDrop(Arc<AtomicBool>);

impl Drop for AbandonedOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn read(app: &App, upload: &Upload) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let stream = upload.stream();
    tokio::pin!(stream);
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| stopped(app, error))?);
    }
    Ok(bytes)
}

fn stopped(app: &App, error: UploadError) -> ApiError {
    let (status, message) = match error {
        UploadError::TooLarge => {
            app.booth.count(UploadRefusal::Large);
            let message = "a preview is made of a picture of at most 1 MB: send a smaller one";
            (StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        UploadError::Silent => {
            app.booth.count(UploadRefusal::Slow);
            let message = "the upload stopped on the way: send it again";
            (StatusCode::REQUEST_TIMEOUT, message)
        }
        UploadError::Broken => (StatusCode::BAD_REQUEST, "the connection broke"),
    };
    ApiError::new(status, message)
}

fn not_made(error: &StylistError) -> ApiError {
    let message = format!("no preview could be made: {error}");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(UPLOAD_AGAIN)
}

fn answer(made: Previews) -> Response {
    let kind = [(header::CONTENT_TYPE, "image/jpeg")];
    let mut response = no_store((kind, made.sheet));
    let headers = response.headers_mut();
    // Ids of styles and numbers are header text.
    if let Ok(styles) = HeaderValue::try_from(made.styles.join(",")) {
        headers.insert(STYLES, styles);
    }
    if let Some(portrait) = made.portrait
        && let Ok(portrait) = HeaderValue::try_from(fractions(portrait))
    {
        headers.insert(PORTRAIT, portrait);
    }
    response
}

fn fractions(area: PictureArea) -> String {
    let PictureArea {
        left,
        top,
        width,
        height,
    } = area;
    format!("{left:.4},{top:.4},{width:.4},{height:.4}")
}

/// For the OpenAPI document.
pub(crate) fn operation() -> Operation {
    Operation::post(
        "/api/styles/previews",
        "A small picture of the given one (JPEG, PNG or WebP of at most 1 MB) in each style of this machine.",
    )
    .note(
        "They lie one below the other in one JPEG, each 288x216; the header `Carrier-Styles` lists their styles \
         from the top, and `Carrier-Portrait` is the crop (left, top, width, height in fractions) that makes a \
         portrait, if there is one face. Nothing is kept. Closing the connection ends the work.",
    )
    .takes_media("image/jpeg")
    .media(200, "image/jpeg")
}
