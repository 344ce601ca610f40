//! Serves the pages, their files and languages.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylise::MadeBy;

use crate::access::viewer_token::COOKIE;
use crate::app::App;
use crate::assets::{self, Language};
use crate::http::Caller;
use crate::http::conditional::{entity_tag, is_known, takes_gzip};
use crate::layers::identify::{CHALLENGE, Requester};
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::maker;

pub(super) async fn index(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    who: Requester,
    headers: HeaderMap,
) -> Response {
    app.games.note_use();
    let Some(page) = assets::find("index.html") else {
        return no_such_file();
    };
    let page = match app.ice_links.is_empty() {
        true => asset_response(page.path, &headers),
        false => serve(mark_ice_servers(page.bytes), page.content_type(), &headers),
    };
    let page = require_watch(&app, page, who, caller);
    with_visitor_cookie(&app, page, &headers, caller)
}

pub(super) async fn booth(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    who: Requester,
    headers: HeaderMap,
) -> Response {
    app.games.note_use();
    let page = asset_response("booth.html", &headers);
    let page = require_watch(&app, page, who, caller);
    with_visitor_cookie(&app, page, &headers, caller)
}

/// A page that needs the viewer token.
pub(super) fn guarded(name: &'static str) -> MethodRouter<Arc<App>> {
    get(
        move |State(app): State<Arc<App>>,
              ConnectInfo(caller): ConnectInfo<Caller>,
              who: Requester,
              headers: HeaderMap| async move {
            require_watch(&app, asset_response(name, &headers), who, caller)
        },
    )
}

/// A file that anybody may read.
pub(super) fn public(name: &'static str) -> MethodRouter<Arc<App>> {
    get(move |headers: HeaderMap| async move { asset_response(name, &headers) })
}

/// The files of a folder, which anybody may read.
pub(super) fn folder(name: &'static str) -> MethodRouter<Arc<App>> {
    get(
        move |Path(file): Path<String>, headers: HeaderMap| async move {
            asset_response(&format!("{name}/{file}"), &headers)
        },
    )
}

/// Adds the visitor cookie, which identifies a visitor's jobs in the queue.
fn with_visitor_cookie(
    app: &App,
    mut page: Response,
    headers: &HeaderMap,
    caller: Caller,
) -> Response {
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

/// The page, if the request may watch or its link has the viewer token, for which a cookie is set; else
/// a form for the token.
fn require_watch(app: &App, mut response: Response, who: Requester, caller: Caller) -> Response {
    if let Some(viewers) = app.viewer_token.as_ref().filter(|_| who.has_token_link) {
        let cookie = COOKIE.set(viewers.session(), caller.tls);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        // The URL contains the token: nothing of it may be cached.
        let nothing = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, nothing);
        return response;
    }
    if who.rights.watch {
        return response;
    }
    app.admission.count_missing_token();
    let refused = [
        (header::WWW_AUTHENTICATE, CHALLENGE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    assets::find("locked.html").map_or_else(no_such_file, |page| {
        let kind = [(header::CONTENT_TYPE, page.content_type())];
        (StatusCode::UNAUTHORIZED, refused, kind, page.bytes).into_response()
    })
}

/// `?by=comfyui`: whose example of a style.
#[derive(Debug, Deserialize)]
pub(super) struct ExampleQuery {
    by: Option<MadeBy>,
}

/// A file of the booth's page, or an example picture of a style.
pub(super) async fn booth_asset(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    Query(body): Query<ExampleQuery>,
    headers: HeaderMap,
) -> Response {
    let path = format!("booth/{file}");
    let style = file.strip_prefix("examples/");
    let Some(style) = style.and_then(|name| name.strip_suffix(".jpg")) else {
        return asset_response(&path, &headers);
    };
    let maker = match body.by {
        Some(maker) => Some(maker),
        None => maker(&app, style).await,
    };
    match maker {
        Some(MadeBy::Comfyui) => match app.booth.example(style) {
            Some(picture) => own_picture(picture, &headers).await,
            None => no_such_file(),
        },
        Some(MadeBy::BuiltIn) | None => asset_response(&path, &headers),
    }
}

async fn own_picture(path: PathBuf, headers: &HeaderMap) -> Response {
    let Some(kind) = path.to_str().and_then(assets::picture_type) else {
        return no_such_file();
    };
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    match read {
        Ok(Ok(bytes)) => serve(bytes.into(), kind, headers),
        Ok(Err(_)) | Err(_) => no_such_file(),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Offered {
    languages: Vec<Language>,
}

pub(super) async fn languages(State(app): State<Arc<App>>) -> Response {
    let languages = app.languages.clone();
    let listed = tokio::task::spawn_blocking(move || languages.list()).await;
    let languages = listed.unwrap_or_default();
    let caching = [(header::CACHE_CONTROL, "no-cache")];
    (caching, Json(Offered { languages })).into_response()
}

pub(super) async fn language(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let languages = app.languages.clone();
    let name = file.clone();
    let read = tokio::task::spawn_blocking(move || languages.own_file(&name)).await;
    match read.ok().flatten() {
        Some(own) => serve(own.into(), "application/json", &headers),
        None => asset_response(&format!("lang/{file}"), &headers),
    }
}

pub(super) fn asset_response(path: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = assets::find(path) else {
        return no_such_file();
    };
    let gzip = asset.gzip.filter(|_| takes_gzip(headers));
    let bytes = gzip.unwrap_or(asset.bytes);
    let mut response = serve(bytes.into(), asset.content_type(), headers);
    let answer = response.headers_mut();
    if asset.gzip.is_some() {
        answer.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if gzip.is_some() && response.status() == StatusCode::OK {
        let coding = HeaderValue::from_static("gzip");
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, coding);
    }
    response
}

/// Marks the page so that it requests the STUN and TURN servers before it connects; without any it saves
/// the round trip.
fn mark_ice_servers(html: &'static [u8]) -> Cow<'static, [u8]> {
    match std::str::from_utf8(html) {
        Ok(text) => {
            let text = text.replacen("<html ", "<html data-ice-servers ", 1);
            text.into_bytes().into()
        }
        Err(_) => html.into(),
    }
}

fn no_such_file() -> Response {
    (StatusCode::NOT_FOUND, "No such file.\n").into_response()
}

pub(super) fn serve(
    bytes: Cow<'static, [u8]>,
    content_type: &'static str,
    request: &HeaderMap,
) -> Response {
    // Revalidated each time, so that no page mixes files of two versions. Unchanged files cost headers
    // alone.
    let tag = entity_tag(&bytes);
    let caching = [
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    if is_known(request, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/", "The live page.").media(200, "text/html"),
        Operation::get("/admin", "The control page.").media(200, "text/html"),
        Operation::get("/camera", "The page that publishes a phone's camera.")
            .media(200, "text/html"),
        Operation::get("/booth", "The photo booth.").media(200, "text/html"),
        Operation::get("/gallery", "The gallery.").media(200, "text/html"),
        Operation::get("/join", "The codes for visitors.").media(200, "text/html"),
        Operation::get("/play", "The games, for visitors' phones.").media(200, "text/html"),
        Operation::get("/app/{file}", "A file of the pages.").media(200, "*/*"),
        Operation::get("/admin/{file}", "A file of the control page.").media(200, "*/*"),
        Operation::get("/camera/{file}", "A file of the camera's page.").media(200, "*/*"),
        Operation::get(
            "/booth/{file}",
            "A file of the booth's page, or an example of a style.",
        )
        .query("by", "Whose example: laptop or comfyui.")
        .media(200, "*/*"),
        Operation::get("/join/{file}", "A file of the page with the codes.").media(200, "*/*"),
        Operation::get("/play/{file}", "A file of the page of the games.").media(200, "*/*"),
        Operation::get("/icons/{file}", "An icon.").media(200, "*/*"),
        Operation::get("/manifest.webmanifest", "The manifest of the pages.")
            .media(200, "application/manifest+json"),
        Operation::get("/lang", "The languages of the pages.").json::<Offered>(200),
        Operation::get("/lang/{file}", "The texts of a language, such as de.json.")
            .media(200, "application/json"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_marked_where_there_are_ice_servers() {
        let page = assets::find("index.html").expect("embedded").bytes;
        let text = String::from_utf8(mark_ice_servers(page).into_owned()).expect("text");
        assert!(text.contains("<html data-ice-servers lang=\"en\">"));
    }
}
