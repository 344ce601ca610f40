//! The gallery of pictures that visitors agreed to show.

pub(super) mod bulk;
pub(super) mod export;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use stylise::{GalleryId, GalleryPicture, Style};

use self::bulk::GalleryAction;
use crate::app::App;
use crate::carriers::CarrierPicture;
use crate::http::bodies::{ApiError, Visibility};
use crate::http::conditional::{entity_tag, is_known, partial};
use crate::layers::identify::{self, Requester};
use crate::routes::contract::operation::Operation;
use crate::routes::page;
use crate::routes::stylise::{no_store, not_found, parse_id, query_booth, title_of};

#[derive(Debug, Serialize, JsonSchema)]
struct Gallery {
    /// Whether visitors see pictures here.
    open: bool,
    pictures: Vec<Picture>,
    /// Of other carriers, newest first.
    carriers: Vec<OthersPicture>,
}

/// A small picture of another carrier.
#[derive(Debug, Serialize, JsonSchema)]
struct OthersPicture {
    id: String,
    url: String,
    /// The id of its style.
    style: String,
    /// Of its style.
    title: String,
    /// The name of the carrier.
    carrier: String,
    /// When it is removed.
    expires_in_s: u64,
}

impl OthersPicture {
    fn of(app: &App, picture: CarrierPicture, styles: &[Style]) -> Self {
        Self {
            url: app.path(&format!("/gallery/carriers/{}.jpg", picture.hash)),
            title: title_of(styles, &picture.style),
            id: picture.hash,
            style: picture.style,
            carrier: picture.carrier,
            expires_in_s: picture.expires_in_ms / 1000,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Picture {
    #[serde(flatten)]
    shown: GalleryPicture,
    url: String,
    /// Of its style.
    title: String,
}

impl Picture {
    fn of(app: &App, shown: GalleryPicture, styles: &[Style]) -> Self {
        Self {
            url: app.path(&format!("/gallery/{}.jpg", shown.id)),
            title: title_of(styles, &shown.style),
            shown,
        }
    }
}

/// GET: newest first; the admin also gets hidden ones.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    requester: Requester,
) -> Result<Response, ApiError> {
    let (all, open) = (requester.rights.admin, app.settings.present().booth.gallery);
    let (shown, styles) =
        query_booth(&app, move |booth| (booth.gallery(all), booth.styles())).await?;
    let shown = shown?.into_iter().filter(|_| open || all);
    let others = app.carriers.gallery().into_iter().filter(|_| open);
    Ok(no_store(Json(Gallery {
        open,
        carriers: others
            .map(|one| OthersPicture::of(&app, one, &styles))
            .collect(),
        pictures: shown.map(|one| Picture::of(&app, one, &styles)).collect(),
    })))
}

/// GET: a picture of the gallery, else a file of the page.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    requester: Requester,
    headers: HeaderMap,
) -> Response {
    if let Some(hash) = file
        .strip_prefix("carriers/")
        .and_then(|name| name.strip_suffix(".jpg"))
    {
        return others_picture(&app, hash, &requester, &headers);
    }
    let id = file
        .strip_suffix(".jpg")
        .and_then(|name| name.parse::<GalleryId>().ok());
    let Some(id) = id else {
        return page::asset_response(&format!("gallery/{file}"), &headers);
    };
    if !requester.rights.watch {
        return identify::refused(&app);
    }
    if !app.settings.present().booth.gallery && !requester.rights.admin {
        return not_found().into_response();
    }
    picture(&app, id, requester.rights.admin, &headers)
        .await
        .unwrap_or_else(ApiError::into_response)
}

/// A picture of another carrier, as long as it may be shown.
fn others_picture(app: &App, hash: &str, requester: &Requester, headers: &HeaderMap) -> Response {
    if !requester.rights.watch {
        return identify::refused(app);
    }
    let is_open = app.settings.present().booth.gallery;
    match app.carriers.picture(hash).filter(|_| is_open) {
        Some(jpeg) => answer(jpeg.to_vec(), headers),
        None => not_found().into_response(),
    }
}

/// DELETE, by the admin: never shows a picture of another carrier here again.
pub(super) async fn hide_others(
    State(app): State<Arc<App>>,
    Path(hash): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !app.carriers.hide(&hash) {
        return Err(not_found());
    }
    bulk::record(&app, GalleryAction::Hide, 1).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Browsers revalidate it each time, so that hidden and erased pictures disappear at once.
async fn picture(
    app: &App,
    id: GalleryId,
    all: bool,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let jpeg = query_booth(app, move |booth| booth.gallery_picture(id, all)).await?;
    Ok(answer(jpeg?.ok_or_else(not_found)?, headers))
}

fn answer(jpeg: Vec<u8>, headers: &HeaderMap) -> Response {
    let tag = entity_tag(&jpeg);
    let caching = [(header::CACHE_CONTROL, "private, no-cache")];
    if is_known(headers, &tag) {
        let tag = [(header::ETAG, tag.as_str())];
        return (StatusCode::NOT_MODIFIED, caching, tag).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "image/jpeg")];
    (caching, kind, partial(headers, &tag, jpeg.into())).into_response()
}

/// PATCH, by the admin: hides a picture, or shows it, which approves it.
pub(super) async fn hide(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<Visibility>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let (id, Json(Visibility { hidden })) = (parse_id(&id)?, body?);
    let action = match hidden {
        true => GalleryAction::Hide,
        false => GalleryAction::Show,
    };
    change_one(&app, action, id).await
}

/// DELETE, by the admin: erases the picture and its job.
pub(super) async fn erase(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    change_one(&app, GalleryAction::Erase, parse_id(&id)?).await
}

async fn change_one(
    app: &Arc<App>,
    action: GalleryAction,
    id: GalleryId,
) -> Result<StatusCode, ApiError> {
    if !bulk::change(app, action, id).await? {
        return Err(not_found());
    }
    bulk::record(app, action, 1).await;
    Ok(StatusCode::NO_CONTENT)
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        Operation::get("/api/gallery", "The pictures of the gallery, newest first.")
            .json::<Gallery>(200),
        Operation::patch(
            "/api/admin/gallery/{id}",
            "Hides a picture, or shows it, which approves it.",
        )
        .takes::<Visibility>()
        .empty(204),
        Operation::delete("/api/admin/gallery/{id}", "Erases a picture and its job.").empty(204),
        Operation::delete(
            "/api/admin/gallery/carriers/{hash}",
            "Never shows a picture of another carrier here again.",
        )
        .empty(204),
        Operation::get(
            "/gallery/{file}",
            "A picture of the gallery, or a file of its page.",
        )
        .media(200, "*/*"),
    ];
    operations.extend(bulk::operations());
    operations.extend(export::operations());
    operations
}
