//! A picture comes in.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::HttpBody;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use stylise::{
    CheckedPicture, IntakeError, IntakeErrorKind, JobId, Limits, MadeBy, RequestKey, Submission,
    SubmitError,
};
use uuid::Uuid;

use super::form::{self, FORM_BYTES_MAX, Form};
use super::upload::{Patience, Stop, Upload};
use super::{address, ask};
use crate::app::App;
use crate::booth::Cause;
use crate::connections::Caller;
use crate::routes::feed::fresh_jpeg;
use crate::routes::problem::Problem;
use crate::stills::{Layer, StillError};
use crate::visitor::Visitor;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// When an upload may have ended and left its place.
const UPLOAD_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
struct Accepted {
    id: JobId,
    url: String,
    events: String,
}

/// POST: 202 and where the job is.
pub(in crate::routes) async fn submit(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let visitor = app.visitors.recognise(&parts.headers, caller);
    let length = body.size_hint().exact();
    let upload = Upload::new(body, FORM_BYTES_MAX, Patience::default());
    let job = accept(&app, caller, &visitor, &parts.headers, length, &upload).await;
    if let Err(problem) = &job {
        count(&app, problem.status);
    }
    // Whoever waits for a word before it sends (RFC 9110 10.1.1) needs not send at all.
    if !parts.headers.contains_key(header::EXPECT) {
        upload.drain().await;
    }
    let mut response = job.map_or_else(Problem::into_response, |id| accepted(&app, id));
    if let Some(cookie) = visitor.set_cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn accepted(app: &App, id: JobId) -> Response {
    let url = address(app, id);
    // Relative to this endpoint: right behind a proxy that adds a prefix, too.
    let location = HeaderValue::from_str(&format!("stylise/{id}")).ok();
    let events = format!("{url}/events");
    let mut response = super::fresh((StatusCode::ACCEPTED, Json(Accepted { id, url, events })));
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn count(app: &App, status: StatusCode) {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => app.booth.count(Cause::Large),
        StatusCode::REQUEST_TIMEOUT => app.booth.count(Cause::Slow),
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
) -> Result<JobId, Problem> {
    let key = idempotency_key(headers)?;
    app.booth.get()?;
    if length.is_some_and(|length| length > FORM_BYTES_MAX as u64) {
        return Err(form::stopped(Stop::TooLarge));
    }
    let whose = visitor.name.clone();
    // A request that is sent again takes no new place among the visitor's.
    let admitted = ask(app, move |booth| match key {
        Some(key) if booth.has_key(&whose, key)? => Ok(()),
        _ => booth.admits(&whose),
    });
    admitted.await?.map_err(refused)?;
    let Some(_place) = app.booth.upload(caller.ip) else {
        let words = "many send pictures at this moment: try again in a few seconds";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, words).again_in(UPLOAD_AGAIN));
    };
    let Form {
        style,
        made_by,
        image,
        share,
    } = form::read(headers.get(header::CONTENT_TYPE), upload).await?;
    let key = key.map(|id| RequestKey {
        id,
        form: digest(&style, made_by, image.as_deref(), share),
    });
    if let Some(key) = key.clone() {
        let whose = visitor.name.clone();
        let known = ask(app, move |booth| booth.by_key(&whose, &key)).await?;
        if let Some(known) = known.map_err(refused)? {
            return Ok(known.id);
        }
    }
    check_style(app, style.clone()).await?;
    let source = match image {
        Some(bytes) => checked(app, bytes).await?,
        None => {
            let snapshot = fresh_jpeg(app, Layer::Clean).await.map_err(no_snapshot)?;
            checked(app, snapshot.to_vec()).await?
        }
    };
    let submission = Submission {
        visitor: visitor.name.clone(),
        address: visitor.address.clone(),
        style,
        made_by,
        source,
        share,
        key,
    };
    let submitted = ask(app, move |booth| booth.submit(submission)).await?;
    submitted.map(|done| done.job.id).map_err(refused)
}

/// Of everything that was asked for: the same key with another form is another request.
fn digest(style: &str, made_by: Option<MadeBy>, image: Option<&[u8]>, share: bool) -> String {
    let mut hash = Sha256::new();
    // Lengths first: no two forms run together to the same bytes.
    hash.update((style.len() as u64).to_be_bytes());
    hash.update(style);
    hash.update([match made_by {
        None => 0,
        Some(MadeBy::Laptop) => 1,
        Some(MadeBy::Comfyui) => 2,
    }]);
    hash.update([u8::from(share), u8::from(image.is_some())]);
    hash.update(image.unwrap_or_default());
    hash.finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(|text| {
        // The draft has it in quotes (draft-ietf-httpapi-idempotency-key-header 2.1).
        Uuid::try_parse(text.trim().trim_matches('"')).ok()
    });
    key.map(Some).ok_or_else(|| {
        let words = "Idempotency-Key is a UUID, such as crypto.randomUUID() makes";
        Problem::new(StatusCode::BAD_REQUEST, words)
    })
}

/// Before a picture is decoded for nothing; the booth asks again when it takes the job.
async fn check_style(app: &App, style: String) -> Result<(), Problem> {
    let known = ask(app, move |booth| {
        let styles = booth.styles();
        let known = styles.is_empty() || styles.iter().any(|one| one.id == style);
        known.then_some(()).ok_or(SubmitError::UnknownStyle(style))
    });
    known.await?.map_err(refused)
}

/// The picture as it is kept: upright, without metadata, of our own encoder.
async fn checked(app: &App, bytes: Vec<u8>) -> Result<CheckedPicture, Problem> {
    let interrupted = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "interrupted: try again");
    let _turn = app.booth.decoder().await.ok_or_else(interrupted)?;
    let read = tokio::task::spawn_blocking(move || CheckedPicture::read(&bytes, &Limits::UPLOAD));
    read.await.map_err(|_| interrupted())?.map_err(unreadable)
}

fn unreadable(error: IntakeError) -> Problem {
    let status = match error.kind() {
        IntakeErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        IntakeErrorKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        IntakeErrorKind::Unreadable => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, error.to_string())
}

fn no_snapshot(error: StillError) -> Problem {
    let words = match error {
        StillError::CardOnly => {
            "there is no picture of the camera now: take a photo, or wait for it".to_owned()
        }
        other => other.to_string(),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, words).again_in(UPLOAD_AGAIN)
}

fn refused(refusal: SubmitError) -> Problem {
    let words = refusal.to_string();
    match refusal {
        SubmitError::Full { retry_after }
        | SubmitError::AddressFull { retry_after }
        | SubmitError::TooMany { retry_after } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, words).again_in(retry_after)
        }
        SubmitError::UnknownStyle(_) | SubmitError::KeyReused => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, words)
        }
        SubmitError::NoStylist(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, words),
        SubmitError::Broken(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_form_is_in_its_digest() {
        let forms = [
            digest("oil", None, None, false),
            digest("oil", Some(MadeBy::Laptop), None, false),
            digest("oil", None, None, true),
            digest("oil", None, Some(b""), false),
            digest("oil", None, Some(b"a"), false),
            digest("oila", None, Some(b""), false),
            digest("comic", None, None, false),
        ];
        for (at, form) in forms.iter().enumerate() {
            assert!(!forms[..at].contains(form), "{at}");
        }
        assert_eq!(digest("oil", None, None, false), forms[0]);
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
