//! The viewer page and its modules, embedded in the binary.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::gate::{CHALLENGE, may_watch};
use crate::app::App;
use crate::assets::{self, Asset};
use crate::listener::Caller;
use crate::viewer_token::COOKIE;

/// What a link may bring.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    token: Option<String>,
}

pub(super) async fn index(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Query(link): Query<Link>,
    headers: HeaderMap,
) -> Response {
    let Some(page) = assets::find("index.html") else {
        return missing();
    };
    let html = marked(page.bytes, !app.ice_links.is_empty());
    let mut response = serve(html, page.content_type(), &headers);
    let Some(viewers) = &app.viewer_token else {
        return response;
    };
    if link.token.is_some_and(|token| viewers.is(&token)) {
        let cookie = COOKIE.set(viewers.session(), caller.tls);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        // Under this address, which holds the token, nothing is to be kept.
        let nothing = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, nothing);
        return response;
    }
    if may_watch(&app, &headers) {
        return response;
    }
    app.admission.count_stranger();
    let refused = [
        (header::WWW_AUTHENTICATE, CHALLENGE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    assets::find("locked.html").map_or_else(missing, |page| {
        let kind = [(header::CONTENT_TYPE, page.content_type())];
        (StatusCode::UNAUTHORIZED, refused, kind, page.bytes).into_response()
    })
}

pub(super) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    found(&format!("app/{file}"), &headers)
}

/// The page that makes a phone the camera. It holds no secret: what it does needs a token.
pub(super) async fn camera(headers: HeaderMap) -> Response {
    found("camera.html", &headers)
}

pub(super) async fn camera_asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    found(&format!("camera/{file}"), &headers)
}

fn found(path: &str, headers: &HeaderMap) -> Response {
    assets::find(path).map_or_else(missing, |asset: &Asset| {
        serve(asset.bytes.into(), asset.content_type(), headers)
    })
}

/// Tells the page that it should ask for STUN and TURN servers before it connects. The rest of the
/// time it spares the question.
fn marked(html: &'static [u8], has_ice_servers: bool) -> Cow<'static, [u8]> {
    match std::str::from_utf8(html) {
        Ok(text) if has_ice_servers => {
            let text = text.replacen("<html ", "<html data-ice-servers ", 1);
            text.into_bytes().into()
        }
        _ => html.into(),
    }
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "No such file.\n").into_response()
}

fn serve(bytes: Cow<'static, [u8]>, content_type: &'static str, request: &HeaderMap) -> Response {
    // Revalidated each time: after an update of the binary nobody keeps half of the old page. On
    // bad Wi-Fi the second visit costs headers alone.
    let tag = assets::entity_tag(&bytes);
    let known = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let caching = [
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_marked_only_when_there_are_ice_servers() {
        let page = assets::find("index.html").expect("embedded").bytes;
        assert_eq!(marked(page, false), page);
        let text = String::from_utf8(marked(page, true).into_owned()).expect("text");
        assert!(text.contains("<html data-ice-servers lang=\"en\">"));
    }
}
