//! The fields of a form that asks for a stylised picture.

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderValue, StatusCode, header};

use super::upload::{Stop, Upload};
use super::{IMAGE_BYTES_MAX, MadeBy};
use crate::routes::problem::Problem;
use crate::routes::yes_no;

/// The other fields, and what stands between them.
pub(super) const FORM_BYTES_MAX: usize = IMAGE_BYTES_MAX + 16 * 1024;
/// Of `style`, `made_by` and `share`.
const TEXT_BYTES_MAX: usize = 100;

/// What somebody asks for.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) style: String,
    /// Who may make it: what the visitor was told. None: whoever offers it first.
    pub(super) made_by: Option<MadeBy>,
    /// None: a snapshot of the feed.
    pub(super) image: Option<Vec<u8>>,
    pub(super) share: bool,
}

/// Reads it as it comes; nothing but the picture is kept in memory.
pub(super) async fn read(
    content_type: Option<&HeaderValue>,
    upload: &Upload,
) -> Result<Form, Problem> {
    let mut request = Request::new(Body::from_stream(upload.stream()));
    if let Some(kind) = content_type {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, kind.clone());
    }
    // The upload has its own limit.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|rejection| {
        let words = format!(
            "{}: send multipart/form-data with style, and image for a photo",
            rejection.body_text()
        );
        Problem::new(StatusCode::BAD_REQUEST, words)
    })?;
    let fields = fields(&mut form).await;
    // It may be in the middle of reading, and nobody else can then ask the upload.
    drop(form);
    match fields {
        Ok(form) => Ok(form),
        Err(Wrong::Said(problem)) => Err(problem),
        Err(Wrong::Reading(error)) => Err(match upload.stopped().await {
            Some(stop) => stopped(stop),
            None => Problem::new(StatusCode::BAD_REQUEST, error.body_text()),
        }),
    }
}

/// Why there is no form: what it says, or that it does not arrive.
enum Wrong {
    Said(Problem),
    Reading(MultipartError),
}

impl From<MultipartError> for Wrong {
    fn from(error: MultipartError) -> Self {
        Self::Reading(error)
    }
}

async fn fields(form: &mut Multipart) -> Result<Form, Wrong> {
    let (mut style, mut made_by, mut image, mut share) = (None, None, None, None);
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        let again = match name.as_str() {
            "style" => style.replace(text(field, &name).await?).is_some(),
            "made_by" => made_by
                .replace(maker(&text(field, &name).await?)?)
                .is_some(),
            "image" => image.replace(picture(field).await?).is_some(),
            "share" => share.replace(is_yes(&text(field, &name).await?)?).is_some(),
            // Browsers send the name of the pressed button too, and extensions their own fields.
            _ => {
                skip(field).await?;
                false
            }
        };
        if again {
            return Err(said(format!("the field {name} came twice")));
        }
    }
    let Some(style) = style else {
        return Err(said(
            "the field style is missing: /api/styles lists what there is",
        ));
    };
    Ok(Form {
        style,
        made_by,
        image: image.flatten(),
        share: share.unwrap_or(false),
    })
}

async fn text(field: Field<'_>, name: &str) -> Result<String, Wrong> {
    let bytes = bytes(field, TEXT_BYTES_MAX, || {
        said(format!("the field {name} is too long"))
    });
    String::from_utf8(bytes.await?).map_err(|_| said(format!("the field {name} is no text")))
}

/// A form whose file was not chosen sends an empty one without a name (WHATWG HTML, "constructing the
/// entry list").
async fn picture(field: Field<'_>) -> Result<Option<Vec<u8>>, Wrong> {
    let unnamed = field.file_name().is_none_or(str::is_empty);
    let too_large = || Wrong::Said(stopped(Stop::TooLarge));
    let bytes = bytes(field, IMAGE_BYTES_MAX, too_large).await?;
    Ok(Some(bytes).filter(|bytes| !(unnamed && bytes.is_empty())))
}

async fn bytes(
    mut field: Field<'_>,
    limit: usize,
    too_long: impl Fn() -> Wrong,
) -> Result<Vec<u8>, Wrong> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        // overflow: refused (and the client is told the limit)
        if bytes.len() + chunk.len() > limit {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Nothing said is no: a picture is shown only to whom its visitor agreed.
fn is_yes(text: &str) -> Result<bool, Wrong> {
    match yes_no::parse(text) {
        Ok(said) => Ok(said.unwrap_or(false)),
        Err(error) => Err(said(format!("share: {error}"))),
    }
}

fn maker(text: &str) -> Result<MadeBy, Wrong> {
    match text {
        "laptop" => Ok(MadeBy::Laptop),
        "comfyui" => Ok(MadeBy::Comfyui),
        _ => Err(said(format!("made_by = {text:?}: laptop or comfyui"))),
    }
}

/// Reads a field to its end. The upload's own limit bounds it.
async fn skip(mut field: Field<'_>) -> Result<(), MultipartError> {
    while field.chunk().await?.is_some() {}
    Ok(())
}

fn said(words: impl Into<String>) -> Wrong {
    Wrong::Said(Problem::new(StatusCode::BAD_REQUEST, words))
}

pub(super) fn stopped(stop: Stop) -> Problem {
    match stop {
        Stop::TooLarge => {
            let words = "the picture is larger than 12 MB: send a smaller one";
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, words)
        }
        Stop::Silent => {
            let words = "the upload stopped on the way: send it again";
            Problem::new(StatusCode::REQUEST_TIMEOUT, words)
        }
        Stop::Broken => Problem::new(StatusCode::BAD_REQUEST, "the connection broke"),
    }
}

#[cfg(test)]
mod tests;
