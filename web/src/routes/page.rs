//! The viewer page and its modules, embedded in the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::assets;

pub(super) async fn index() -> Response {
    serve("index.html")
}

pub(super) async fn asset(Path(file): Path<String>) -> Response {
    serve(&format!("app/{file}"))
}

fn serve(path: &str) -> Response {
    let Some(asset) = assets::find(path) else {
        return (StatusCode::NOT_FOUND, "No such file.\n").into_response();
    };
    // Revalidated each time: after an update of the binary nobody keeps half of the old page.
    let headers =
        [(header::CONTENT_TYPE, asset.content_type()), (header::CACHE_CONTROL, "no-cache")];
    (headers, asset.bytes).into_response()
}
