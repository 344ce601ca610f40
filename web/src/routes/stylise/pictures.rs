//! The pictures of a job.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use stylise::PictureKind;

use super::{ask, fresh, gone, named};
use crate::app::App;
use crate::assets;
use crate::routes::conditional::partial;
use crate::routes::problem::Problem;
use crate::routes::yes_no;

#[derive(Debug, Deserialize)]
pub(in crate::routes) struct PictureQuery {
    #[serde(default, deserialize_with = "yes_no::field")]
    download: Option<bool>,
}

/// GET: `source.jpg`, `result.jpg` or `preview.jpg`. Nobody on the way keeps it: it may be erased.
pub(in crate::routes) async fn picture(
    State(app): State<Arc<App>>,
    Path((id, picture)): Path<(String, String)>,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let which = match picture.as_str() {
        "source.jpg" => PictureKind::Source,
        "result.jpg" => PictureKind::Result,
        "preview.jpg" => PictureKind::Preview,
        _ => return Err(gone()),
    };
    let id = named(&id)?;
    let (jpeg, view) = ask(&app, move |booth| {
        (booth.picture(id, which), booth.view(id))
    })
    .await?;
    let jpeg = jpeg?.ok_or_else(gone)?;
    let tag = assets::entity_tag(&jpeg);
    let kind = [(header::CONTENT_TYPE, "image/jpeg")];
    let mut response = fresh((kind, partial(&headers, &tag, jpeg.into())));
    if query.download == Some(true)
        && let Some(view) = view?
    {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, attachment(&view.style));
    }
    Ok(response)
}

/// What a browser calls the file.
fn attachment(style: &str) -> HeaderValue {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let style: String = style.chars().filter(plain).collect();
    HeaderValue::from_str(&format!("attachment; filename=\"photo-booth-{style}.jpg\""))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_its_style_and_nothing_breaks_out() {
        assert_eq!(
            attachment("pencil-sketch"),
            "attachment; filename=\"photo-booth-pencil-sketch.jpg\""
        );
        assert_eq!(
            attachment("a\"; x=\r\nb"),
            "attachment; filename=\"photo-booth-axb.jpg\""
        );
    }
}
