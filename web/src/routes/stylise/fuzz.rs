//! Parsing of requests as a function of bytes: for the fuzzer (`make fuzz`; `fuzzer.rs` includes this
//! file) and, with the kept corpus, for `cargo test`. It must neither panic nor hang, and asserts what
//! holds for any input.

#[cfg(test)]
mod tests;

use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Query, Request};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
use bytes::Bytes;
use futures_util::stream;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use crate::access::credentials::{CookieName, bearer};
use crate::http::bodies::{ApiError, Bitrate, PageQuery, Share, Visibility};
use crate::http::request_head::{Initiator, OwnOrigins, initiator, named_hosts};
use crate::routes::stylise::IMAGE_BYTES_MAX;
use crate::routes::stylise::form::{self, FORM_BYTES_MAX};
use crate::routes::stylise::upload::{Upload, UploadLimits};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
}

/// The first byte selects the parser.
pub(crate) fn http(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    RUNTIME.with(|runtime| match kind {
        b'j' => runtime.block_on(json(rest)),
        b'f' => runtime.block_on(multipart(rest)),
        b'q' => query(rest),
        _ => head(rest),
    });
}

async fn json(bytes: &[u8]) {
    if let Ok(Json(Share { share, .. })) = read(bytes).await {
        assert!(is_said(bytes, if share { "true" } else { "false" }));
    }
    if let Ok(Json(Visibility { hidden })) = read(bytes).await {
        assert!(is_said(bytes, if hidden { "true" } else { "false" }));
    }
    if let Ok(Json(Bitrate { bitrate_bps })) = read(bytes).await {
        assert!(is_said(bytes, &bitrate_bps.to_string()));
    }
}

async fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, JsonRejection> {
    let request = Request::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(bytes.to_vec()))
        .expect("a request");
    let read = Json::<T>::from_request(request, &()).await;
    read.inspect_err(|rejection| assert!(rejection.status().is_client_error()))
}

/// Whether the parsed value occurs in the body.
fn is_said(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(word)
}

/// The first line is the content type; each line of the rest is one chunk of the body.
async fn multipart(bytes: &[u8]) {
    let (kind, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let pieces: Vec<io::Result<Bytes>> = body
        .split_inclusive(|byte| *byte == b'\n')
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let body = Body::from_stream(stream::iter(pieces));
    let upload = Upload::new(body, FORM_BYTES_MAX, UploadLimits::default());
    let kind = HeaderValue::from_bytes(kind).ok();
    match form::read(kind.as_ref(), &upload).await {
        Ok(form) => {
            assert!(form.style.len() <= 100);
            assert!(
                form.image
                    .is_none_or(|image| image.len() <= IMAGE_BYTES_MAX)
            );
        }
        Err(ApiError {
            status, message, ..
        }) => {
            assert!(
                status.is_client_error() && !message.is_empty(),
                "{status}: {message}"
            );
        }
    }
    upload.drain().await;
}

fn query(bytes: &[u8]) {
    let Ok(path) = PathAndQuery::try_from(bytes) else {
        return;
    };
    let uri = Uri::from(path);
    if let Ok(Query(PageQuery { token: Some(token) })) = Query::try_from_uri(&uri) {
        // Invalid UTF-8 becomes the replacement character, of three bytes.
        assert!(
            uri.query()
                .is_some_and(|query| 3 * query.len() > token.len())
        );
    }
}

const NAMES: [HeaderName; 7] = [
    header::HOST,
    header::ORIGIN,
    header::COOKIE,
    header::AUTHORIZATION,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
];

/// Each line is a header; its first byte selects the name.
fn head(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((name, value)) = line.split_first() else {
            continue;
        };
        let name = &NAMES[usize::from(*name) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    if let Ok(hosts) = named_hosts(Version::HTTP_11, &Uri::from_static("/"), &headers) {
        assert_eq!(hosts.len(), 1);
        let is_bare = |host: &String| !host.is_empty() && !host.contains(['@', '/', ' ']);
        assert!(hosts.iter().all(is_bare), "{hosts:?}");
    }
    judge(&headers);
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if let Some(token) = text(header::AUTHORIZATION).and_then(bearer) {
        assert_eq!(token, token.trim());
    }
    let cookie = CookieName {
        plain: "who",
        secure: "__Host-who",
    };
    if let Some(value) = text(header::COOKIE).and_then(|header| cookie.value(header)) {
        assert!(!value.contains(';'));
    }
}

fn judge(headers: &HeaderMap) {
    let allowed = ["https://player.example".to_owned()];
    let ours = OwnOrigins {
        public_url: Some("https://booth.example"),
        allowed: &allowed,
        tls: false,
    };
    for method in [Method::GET, Method::POST] {
        match initiator(&method, headers, &ours) {
            Initiator::Allowed(origin) => assert_eq!(origin, "https://player.example"),
            Initiator::Foreign => {
                assert!(headers.contains_key(header::ORIGIN) || headers.contains_key(&NAMES[4]));
            }
            Initiator::Own => {}
        }
    }
}
