//! The pages and their modules, embedded in the binary.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stylise::MadeBy;

use super::conditional::is_known;
use super::gate::CHALLENGE;
use super::identify::Requester;
use super::stylise::maker;
use crate::app::App;
use crate::assets::{self, Asset};
use crate::connections::Caller;
use crate::languages::Language;
use crate::viewer_token::COOKIE;

pub(super) async fn index(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    who: Requester,
    headers: HeaderMap,
) -> Response {
    let Some(page) = assets::find("index.html") else {
        return missing();
    };
    let html = marked(page.bytes, !app.ice_links.is_empty());
    let page = serve(html, page.content_type(), &headers);
    let page = behind_the_gate(&app, page, who, caller);
    with_visitor(&app, page, &headers, caller)
}

/// A page of the photo booth.
pub(super) async fn booth(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    who: Requester,
    headers: HeaderMap,
) -> Response {
    let page = found("booth.html", &headers);
    let page = behind_the_gate(&app, page, who, caller);
    with_visitor(&app, page, &headers, caller)
}

/// The page of what visitors agreed to show.
pub(super) async fn gallery(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    who: Requester,
    headers: HeaderMap,
) -> Response {
    let page = found("gallery.html", &headers);
    behind_the_gate(&app, page, who, caller)
}

/// The page with the codes that bring people here.
pub(super) async fn join(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    who: Requester,
    headers: HeaderMap,
) -> Response {
    let page = found("join.html", &headers);
    behind_the_gate(&app, page, who, caller)
}

/// Gives a visitor of the booth the cookie by which one turn is told from another.
fn with_visitor(app: &App, mut page: Response, headers: &HeaderMap, caller: Caller) -> Response {
    if page.status().is_client_error() {
        return page;
    }
    if let Some(cookie) = app.visitors.recognise(headers, caller).set_cookie {
        let own = HeaderValue::from_static("private, no-cache");
        let answer = page.headers_mut();
        if answer
            .get(header::CACHE_CONTROL)
            .is_none_or(|rule| rule == "no-cache")
        {
            answer.insert(header::CACHE_CONTROL, own);
        }
        answer.append(header::SET_COOKIE, cookie);
    }
    page
}

/// The page itself for whoever may watch, or has a link with the token, which becomes a cookie.
fn behind_the_gate(app: &App, mut response: Response, who: Requester, caller: Caller) -> Response {
    if let Some(viewers) = app.viewer_token.as_ref().filter(|_| who.link_lets_in) {
        let cookie = COOKIE.set(viewers.session(), caller.tls);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        // Under this address, which holds the token, nothing is to be kept.
        let nothing = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, nothing);
        return response;
    }
    if who.rights.watch {
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

/// Whose example of a style is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    by: Option<MadeBy>,
}

/// A file of the booth's page, or an example of a style, of the one who makes it now.
pub(super) async fn booth_asset(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Response {
    let path = format!("booth/{file}");
    let style = file.strip_prefix("examples/");
    let Some(style) = style.and_then(|name| name.strip_suffix(".jpg")) else {
        return found(&path, &headers);
    };
    let maker = match wish.by {
        Some(maker) => Some(maker),
        None => maker(&app, style).await,
    };
    match maker {
        Some(MadeBy::Comfyui) => match app.booth.example(style) {
            Some(picture) => own_picture(picture, &headers).await,
            None => missing(),
        },
        Some(MadeBy::Laptop) | None => found(&path, &headers),
    }
}

async fn own_picture(path: PathBuf, headers: &HeaderMap) -> Response {
    let Some(kind) = path.to_str().and_then(assets::picture_type) else {
        return missing();
    };
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    match read {
        Ok(Ok(bytes)) => serve(bytes.into(), kind, headers),
        Ok(Err(_)) | Err(_) => missing(),
    }
}

pub(super) async fn join_asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    found(&format!("join/{file}"), &headers)
}

pub(super) async fn icon(Path(file): Path<String>, headers: HeaderMap) -> Response {
    found(&format!("icons/{file}"), &headers)
}

pub(super) async fn manifest(headers: HeaderMap) -> Response {
    found("manifest.webmanifest", &headers)
}

/// The languages that a visitor can choose.
pub(super) async fn languages(State(app): State<Arc<App>>) -> Response {
    #[derive(Serialize)]
    struct Offered {
        languages: Vec<Language>,
    }
    let languages = app.languages.clone();
    let listed = tokio::task::spawn_blocking(move || languages.list()).await;
    let languages = listed.unwrap_or_default();
    let caching = [(header::CACHE_CONTROL, "no-cache")];
    (caching, Json(Offered { languages })).into_response()
}

/// The words of one of them.
pub(super) async fn language(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let languages = app.languages.clone();
    let read = tokio::task::spawn_blocking(move || languages.file(&file)).await;
    match read.ok().flatten() {
        Some(words) => serve(words.into(), "application/json", &headers),
        None => missing(),
    }
}

pub(super) fn found(path: &str, headers: &HeaderMap) -> Response {
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
    let caching = [
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    if is_known(request, &tag) {
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
