//! Accepts a job: reads the form, checks the picture, and submits it to the booth.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::HttpBody;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use stylise::{
    CheckedPicture, IntakeError, IntakeErrorKind, JobId, Limits, MadeBy, PhotoKind, RequestKey,
    Submission, SubmitError,
};
use uuid::Uuid;

use crate::access::hex;
use crate::access::visitor::Visitor;
use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::ApiError;
use crate::metrics::UploadRefusal;
use crate::routes::contract::operation::Operation;
use crate::routes::feed::fresh_jpeg;
use crate::routes::stylise::form::{self, FORM_BYTES_MAX, Form};
use crate::routes::stylise::upload::{Upload, UploadError, UploadLimits};
use crate::routes::stylise::{address, may_share, query_booth};
use crate::stills::{StillError, StillKind};
use crate::stopping::restarting;
use crate::telemetry::spawn_blocking;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `Retry-After` while the upload limit is reached.
pub(super) const UPLOAD_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, JsonSchema)]
struct Accepted {
    id: JobId,
    url: String,
    events: String,
}

/// POST: 202 with the job's URL.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
) -> Response {
    app.games.note_use();
    let (parts, body) = request.into_parts();
    let visitor = app.visitors.recognise(&parts.headers, caller);
    let length = body.size_hint().exact();
    let upload = Upload::new(body, FORM_BYTES_MAX, UploadLimits::default());
    let job = match app.stopping.refuse() {
        Ok(()) => accept(&app, caller, &visitor, &parts.headers, length, &upload).await,
        Err(restarting) => Err(restarting),
    };
    if let Err(problem) = &job {
        count(&app, problem.status);
    }
    // A client that sent `Expect: 100-continue` (RFC 9110 10.1.1) has not begun to send.
    if !parts.headers.contains_key(header::EXPECT) {
        tokio::select! {
            () = upload.drain() => {}
            () = app.stopping.uploads_end() => {}
        }
    }
    let mut response = job.map_or_else(ApiError::into_response, |id| accepted(&app, id));
    if let Some(cookie) = visitor.set_cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn accepted(app: &App, id: JobId) -> Response {
    let url = address(app, id);
    // Relative, so that it is right behind a proxy that adds a prefix.
    let location = HeaderValue::from_str(&format!("stylise/{id}")).ok();
    let events = format!("{url}/events");
    let mut response = super::no_store((StatusCode::ACCEPTED, Json(Accepted { id, url, events })));
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn count(app: &App, status: StatusCode) {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => app.booth.count(UploadRefusal::Large),
        StatusCode::REQUEST_TIMEOUT => app.booth.count(UploadRefusal::Slow),
        _ => {}
    }
}

async fn accept(
    app: &Arc<App>,
    caller: Caller,
    visitor: &Visitor,
    headers: &HeaderMap,
    length: Option<u64>,
    upload: &Upload,
) -> Result<JobId, ApiError> {
    let key = idempotency_key(headers)?;
    app.booth.get()?;
    if !app.settings.present().booth.open {
        let message = "the photo booth is closed at the moment";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    if length.is_some_and(|length| length > FORM_BYTES_MAX as u64) {
        return Err(form::stopped(UploadError::TooLarge));
    }
    let whose = visitor.name.clone();
    // A repeated request does not count against the visitor's limit again.
    let admitted = query_booth(app, move |booth| match key {
        Some(key) if booth.has_key(&whose, key)? => Ok(()),
        _ => booth.check_visitor_limit(&whose),
    });
    admitted.await?.map_err(refused)?;
    let Some(_place) = app.booth.upload(caller.ip) else {
        let message = "many send pictures at this moment: try again in a few seconds";
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).again_in(UPLOAD_AGAIN));
    };
    let Form {
        style,
        made_by,
        image,
        share,
        photo,
    } = complete_form(app, headers, upload).await?;
    let key = key.map(|id| RequestKey {
        id,
        form: digest(&style, made_by, image.as_deref(), share, photo),
    });
    if let Some(key) = key.clone() {
        let whose = visitor.name.clone();
        let known = query_booth(app, move |booth| booth.by_key(&whose, &key)).await?;
        if let Some(known) = known.map_err(refused)? {
            return Ok(known.id);
        }
    }
    check_style(app, style.clone()).await?;
    let source = source(app, image, photo).await?;
    // Agreed to before the gallery was closed or sharing was paused: the picture is made, and not shown.
    let share = share && may_share(app).is_ok();
    let submission = Submission {
        visitor: visitor.name.clone(),
        address: visitor.address.clone(),
        style,
        photo_kind: photo,
        made_by,
        source,
        share,
        key,
    };
    let submitted = query_booth(app, move |booth| booth.submit(submission)).await?;
    submitted.map(|done| done.job.id).map_err(refused)
}

/// The picture of the form, or else a snapshot.
async fn source(
    app: &App,
    image: Option<Vec<u8>>,
    photo: PhotoKind,
) -> Result<CheckedPicture, ApiError> {
    if let Some(bytes) = image {
        return checked(app, bytes).await;
    }
    if photo != PhotoKind::Single {
        let message =
            "the shots of a strip or a boomerang are missing: send them as image, one sheet";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
    }
    let snapshot = fresh_jpeg(app, StillKind::Clean)
        .await
        .map_err(no_snapshot)?;
    checked(app, snapshot.to_vec()).await
}

/// The form, if it is complete in time.
async fn complete_form(app: &App, headers: &HeaderMap, upload: &Upload) -> Result<Form, ApiError> {
    tokio::select! {
        form = form::read(headers.get(header::CONTENT_TYPE), upload) => form,
        () = app.stopping.uploads_end() => Err(restarting()),
    }
}

/// A digest of the form: the same key with another form is another request.
fn digest(
    style: &str,
    made_by: Option<MadeBy>,
    image: Option<&[u8]>,
    share: bool,
    photo: PhotoKind,
) -> String {
    let mut hash = Sha256::new();
    // Lengths first, so that two different forms never hash the same bytes.
    hash.update((style.len() as u64).to_be_bytes());
    hash.update(style);
    hash.update([match made_by {
        None => 0,
        Some(MadeBy::BuiltIn) => 1,
        Some(MadeBy::Comfyui) => 2,
    }]);
    hash.update([u8::from(share), u8::from(image.is_some()), photo as u8]);
    hash.update(image.unwrap_or_default());
    hex(hash.finalize())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Uuid>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(|text| {
        // The draft puts it in quotes (draft-ietf-httpapi-idempotency-key-header 2.1).
        Uuid::try_parse(text.trim().trim_matches('"')).ok()
    });
    key.map(Some).ok_or_else(|| {
        let message = "Idempotency-Key is a UUID, such as crypto.randomUUID() makes";
        ApiError::new(StatusCode::BAD_REQUEST, message)
    })
}

/// Refuses an unknown style before the picture is decoded; `submit` checks again.
async fn check_style(app: &App, style: String) -> Result<(), ApiError> {
    let known = query_booth(app, move |booth| {
        let styles = booth.styles();
        let known = styles.is_empty() || styles.iter().any(|one| one.id == style);
        known.then_some(()).ok_or(SubmitError::UnknownStyle(style))
    });
    known.await?.map_err(refused)
}

/// Decodes and re-encodes the picture: upright, without metadata.
async fn checked(app: &App, bytes: Vec<u8>) -> Result<CheckedPicture, ApiError> {
    let interrupted = || ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "interrupted: try again");
    let _turn = app.booth.decoder().await.ok_or_else(interrupted)?;
    let read = spawn_blocking(move || CheckedPicture::read(&bytes, &Limits::UPLOAD));
    read.await.map_err(|_| interrupted())?.map_err(unreadable)
}

pub(super) fn unreadable(error: IntakeError) -> ApiError {
    let status = match error.kind() {
        IntakeErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        IntakeErrorKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        IntakeErrorKind::Unreadable => StatusCode::UNPROCESSABLE_ENTITY,
    };
    ApiError::new(status, error.to_string())
}

fn no_snapshot(error: StillError) -> ApiError {
    let message = match error {
        StillError::CardOnly => {
            "there is no picture of the camera now: take a photo, or wait for it".to_owned()
        }
        other => other.to_string(),
    };
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).again_in(UPLOAD_AGAIN)
}

fn refused(refusal: SubmitError) -> ApiError {
    let message = refusal.to_string();
    match refusal {
        SubmitError::Full { retry_after }
        | SubmitError::AddressFull { retry_after }
        | SubmitError::TooMany { retry_after } => {
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).again_in(retry_after)
        }
        SubmitError::UnknownStyle(_)
        | SubmitError::KeyReused
        | SubmitError::OneShotOnly
        | SubmitError::SmallShots(_) => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message),
        SubmitError::NoStylist(_) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message),
        SubmitError::Broken(error) => error.into(),
    }
}

/// For the OpenAPI document.
pub(crate) fn operation() -> Operation {
    Operation::post(
        "/api/stylise",
        "Orders a stylised picture of a photo, or of the feed's newest picture.",
    )
    .note("Fields: `style`, `image` (a file; without it: the newest picture), `share`, `made_by`, `photo` (`single`, `strip` or `boomerang`: a sheet of 2x2 or of 3x4 shots).")
    .header(
        "Idempotency-Key",
        "A UUID: a repeated request gives the same job.",
    )
    .takes_media("multipart/form-data")
    .json::<Accepted>(202)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_form_is_in_its_digest() {
        let forms = [
            digest("oil", None, None, false, PhotoKind::Single),
            digest("oil", Some(MadeBy::BuiltIn), None, false, PhotoKind::Single),
            digest("oil", None, None, true, PhotoKind::Single),
            digest("oil", None, Some(b""), false, PhotoKind::Single),
            digest("oil", None, Some(b"a"), false, PhotoKind::Single),
            digest("oila", None, Some(b""), false, PhotoKind::Single),
            digest("comic", None, None, false, PhotoKind::Single),
            digest("oil", None, None, false, PhotoKind::Strip),
        ];
        for (at, form) in forms.iter().enumerate() {
            assert!(!forms[..at].contains(form), "{at}");
        }
        assert_eq!(
            digest("oil", None, None, false, PhotoKind::Single),
            forms[0]
        );
    }

    #[test]
    fn a_key_is_a_uuid_in_quotes_or_not() {
        let key = |text: &str| {
            let value: HeaderValue = text.parse().expect("header text");
            idempotency_key(&[(IDEMPOTENCY_KEY, value)].into_iter().collect())
        };
        let uuid = "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11";
        assert_eq!(
            key(uuid).expect("a key"),
            key(&format!("\"{uuid}\"")).expect("a key")
        );
        assert_eq!(idempotency_key(&HeaderMap::new()), Ok(None));
        let problem = key("again").expect_err("no UUID");
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
    }
}
