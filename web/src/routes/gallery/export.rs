//! The gallery as a ZIP for the owner. It is made while it is sent, one picture at a time, as fast as the client takes
//! it: no more than one picture of it is in memory.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use jiff::tz::TimeZone;
use serde::Deserialize;
use stylise::{GalleryPicture, Style};

use super::bulk::record_decision;
use crate::app::App;
use crate::export::{ExportArchive, ExportError, ExportedPicture, GalleryState};
use crate::http::bodies::{ApiError, yes_no_field};
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::{query_booth, title_of};

#[derive(Debug, Deserialize)]
pub(crate) struct ExportQuery {
    /// Also what is hidden or waits for approval.
    #[serde(default, deserialize_with = "yes_no_field")]
    all: Option<bool>,
}

/// GET, by the admin: the pictures that visitors share, with a table of them.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let all = query.all == Some(true);
    let (pictures, styles) =
        query_booth(&app, move |booth| (booth.gallery(all), booth.styles())).await?;
    let pictures = pictures?;
    record_decision(&app, format!("gallery exported: {}", pictures.len())).await;
    let export = Export {
        archive: Some(ExportArchive::new(TimeZone::system())),
        app,
        styles,
        pictures,
        all,
    };
    let parts = stream::try_unfold(export, |mut export| async move {
        let part = export.next().await?;
        Ok::<_, ExportError>(part.map(|part| (part, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"gallery.zip\"",
        ),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

struct Export {
    app: Arc<App>,
    styles: Vec<Style>,
    /// Those that are still to be sent, the oldest last.
    pictures: Vec<GalleryPicture>,
    all: bool,
    /// `None`: its end was sent.
    archive: Option<ExportArchive>,
}

impl Export {
    /// The next part of the archive; `None` after its end.
    async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        let Some(archive) = self.archive.as_mut() else {
            return Ok(None);
        };
        while let Some(picture) = self.pictures.pop() {
            let (id, all) = (picture.id, self.all);
            let read = query_booth(&self.app, move |booth| booth.gallery_picture(id, all)).await;
            let read = read.and_then(|jpeg| Ok(jpeg?));
            // Withdrawn or erased since the list was read: it is in no table either.
            let Some(jpeg) = read.map_err(|error| ExportError::Unreadable(error.message))? else {
                continue;
            };
            let exported = exported(&self.app, &self.styles, &picture);
            return archive.add(exported, &jpeg).map(Some);
        }
        let archive = self.archive.take();
        archive.map(ExportArchive::finish).transpose()
    }
}

fn exported(app: &App, styles: &[Style], picture: &GalleryPicture) -> ExportedPicture {
    let at = |unix_ms: u64| {
        let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
    };
    let made_at = at(picture.made_at_unix_ms);
    ExportedPicture {
        name: app.keepsakes.name_of(made_at, &picture.style),
        made_at,
        expires_at: at(picture.expires_at_unix_ms),
        style: title_of(styles, &picture.style),
        state: match (picture.hidden, picture.waits) {
            (true, _) => GalleryState::Hidden,
            (false, true) => GalleryState::Waits,
            (false, false) => GalleryState::Shown,
        },
    }
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/admin/gallery.zip",
            "The pictures that visitors share, and a table of them, as a ZIP.",
        )
        .note("Pictures that nobody agreed to share are never in it.")
        .query(
            "all",
            "1: also shared pictures that are hidden or wait for approval.",
        )
        .media(200, "application/zip"),
    ]
}
