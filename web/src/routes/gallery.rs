//! What visitors agreed to show.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stylise::{GalleryId, GalleryPicture, MadeBy, Style};

use super::asked::Visibility;
use super::conditional::{is_known, partial};
use super::identify::Requester;
use super::page;
use super::problem::Problem;
use super::stylise::{ask, fresh, gone, title_of};
use crate::app::App;
use crate::assets;

#[derive(Debug, Serialize)]
struct Gallery {
    pictures: Vec<Picture>,
}

#[derive(Debug, Serialize)]
struct Picture {
    id: GalleryId,
    url: String,
    style: String,
    title: String,
    made_by: MadeBy,
    made_at_unix_ms: u64,
    hidden: bool,
}

impl Picture {
    fn of(app: &App, shown: GalleryPicture, styles: &[Style]) -> Self {
        Self {
            id: shown.id,
            url: app.path(&format!("/gallery/{}.jpg", shown.id)),
            title: title_of(styles, &shown.style),
            style: shown.style,
            made_by: shown.made_by,
            made_at_unix_ms: shown.made_at_unix_ms,
            hidden: shown.hidden,
        }
    }
}

/// GET: newest first; the admin sees the hidden ones too.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    requester: Requester,
) -> Result<Response, Problem> {
    let all = requester.rights.admin;
    let (shown, styles) = ask(&app, move |booth| (booth.gallery(all), booth.styles())).await?;
    let shown = shown?.into_iter();
    let pictures = shown.map(|one| Picture::of(&app, one, &styles)).collect();
    Ok(fresh(Json(Gallery { pictures })))
}

/// GET: a picture by its name, else a file of the page.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    requester: Requester,
    headers: HeaderMap,
) -> Response {
    let id = file
        .strip_suffix(".jpg")
        .and_then(|name| name.parse::<GalleryId>().ok());
    let Some(id) = id else {
        return page::found(&format!("gallery/{file}"), &headers);
    };
    if !requester.rights.watch {
        return super::gate::refused(&app);
    }
    picture(&app, id, requester.rights.admin, &headers)
        .await
        .unwrap_or_else(Problem::into_response)
}

/// Asked for anew each time, so that one that was hidden or erased is gone at once; while it is there, the
/// answer costs headers alone.
async fn picture(
    app: &App,
    id: GalleryId,
    all: bool,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let jpeg = ask(app, move |booth| booth.gallery_picture(id, all)).await?;
    let jpeg = jpeg?.ok_or_else(gone)?;
    let tag = assets::entity_tag(&jpeg);
    let caching = [(header::CACHE_CONTROL, "private, no-cache")];
    if is_known(headers, &tag) {
        let tag = [(header::ETAG, tag.as_str())];
        return Ok((StatusCode::NOT_MODIFIED, caching, tag).into_response());
    }
    let kind = [(header::CONTENT_TYPE, "image/jpeg")];
    Ok((caching, kind, partial(headers, &tag, jpeg.into())).into_response())
}

/// PATCH, of the admin.
pub(super) async fn hide(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    wish: Result<Json<Visibility>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(Visibility { hidden })) = (named(&id)?, wish?);
    let found = ask(&app, move |booth| booth.hide(id, hidden)).await??;
    found.then_some(StatusCode::NO_CONTENT).ok_or_else(gone)
}

/// DELETE, of the admin: it is gone from everywhere.
pub(super) async fn erase(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = named(&id)?;
    let found = ask(&app, move |booth| booth.erase_shown(id)).await??;
    found.then_some(StatusCode::NO_CONTENT).ok_or_else(gone)
}

fn named(id: &str) -> Result<GalleryId, Problem> {
    id.parse().map_err(|_| gone())
}
