//! The pictures of a job.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use stylise::Which;

use super::{ask, fresh, gone, named};
use crate::app::App;
use crate::routes::problem::Problem;

#[derive(Debug, Deserialize)]
pub(in crate::routes) struct Wish {
    download: Option<u8>,
}

/// GET: `source.jpg`, `result.jpg` or `preview.jpg`. Nobody on the way keeps it: it may be erased.
pub(in crate::routes) async fn picture(
    State(app): State<Arc<App>>,
    Path((id, picture)): Path<(String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let which = match picture.as_str() {
        "source.jpg" => Which::Source,
        "result.jpg" => Which::Result,
        "preview.jpg" => Which::Preview,
        _ => return Err(gone()),
    };
    let id = named(&id)?;
    let (jpeg, view) = ask(&app, move |booth| {
        (booth.picture(id, which), booth.view(id))
    })
    .await?;
    let jpeg = jpeg?.ok_or_else(gone)?;
    let mut response = fresh(([(header::CONTENT_TYPE, "image/jpeg")], jpeg));
    if wish.download == Some(1)
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
