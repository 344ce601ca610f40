//! The file of a job that is saved, shared and printed. It is made of the stored result for each request, and kept
//! nowhere.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use stylise::{JobId, JobView, PictureKind};

use crate::app::App;
use crate::http::bodies::ApiError;
use crate::http::conditional::{entity_tag, partial};
use crate::keepsake::KeepsakeFile;
use crate::routes::stylise::{no_store, not_found, query_booth};
use crate::telemetry::spawn_blocking;

/// GET: `keepsake.jpg` or `keepsake.gif` of a job.
pub(super) async fn answer(
    app: &Arc<App>,
    id: JobId,
    file: &str,
    is_download: bool,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let (view, stored) = finished(app, id).await?;
    let made = app.keepsakes.file(&view);
    if made.path() != file {
        return Err(not_found());
    }
    let name = is_download.then(|| app.keepsakes.file_name(&view));
    let bytes = make(app, view, stored, false).await?;
    let tag = entity_tag(&bytes);
    let kind = [(header::CONTENT_TYPE, made.media_type())];
    let mut response = no_store((kind, partial(headers, &tag, bytes.into())));
    if let Some(name) = name {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, attachment(&name));
    }
    Ok(response)
}

/// A job and its stored result.
pub(crate) async fn finished(app: &App, id: JobId) -> Result<(JobView, Vec<u8>), ApiError> {
    let (view, stored) = query_booth(app, move |booth| {
        (booth.view(id), booth.picture(id, PictureKind::Result))
    })
    .await?;
    let view = view?.ok_or_else(not_found)?;
    Ok((view, stored?.ok_or_else(not_found)?))
}

/// Makes the file of a stored result, or what is printed of it.
pub(crate) async fn make(
    app: &Arc<App>,
    view: JobView,
    stored: Vec<u8>,
    is_for_printer: bool,
) -> Result<Vec<u8>, ApiError> {
    if app.keepsakes.file(&view) == KeepsakeFile::Result {
        return Ok(stored);
    }
    let failed = || {
        let message = "the picture could not be made for saving: its log says why";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    };
    // overflow: awaited
    let _turn = app.booth.decoder().await.ok_or_else(failed)?;
    let own = Arc::clone(app);
    let made = spawn_blocking(move || own.keepsakes.make(&stored, &view, is_for_printer)).await;
    made.map_err(|_| failed())?.map_err(|error| {
        tracing::error!(%error, "a keepsake could not be made");
        failed()
    })
}

/// The file name of a download.
pub(super) fn attachment(name: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .unwrap_or(HeaderValue::from_static("attachment"))
}
