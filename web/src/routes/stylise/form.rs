//! Parses the multipart form of a job.

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderValue, StatusCode, header};

use crate::http::bodies::{ApiError, yes_no};
use crate::routes::stylise::upload::{Upload, UploadError};
use crate::routes::stylise::{IMAGE_BYTES_MAX, MadeBy, PhotoKind};

/// The picture, and 16 KiB for the other fields and boundaries.
pub(super) const FORM_BYTES_MAX: usize = IMAGE_BYTES_MAX + 16 * 1024;
/// For all fields but the picture.
const TEXT_BYTES_MAX: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) style: String,
    /// The stylist that the visitor was shown; `None`: any.
    pub(super) made_by: Option<MadeBy>,
    /// `None`: a snapshot of the feed.
    pub(super) image: Option<Vec<u8>>,
    pub(super) share: bool,
    /// What the picture is; several shots are one sheet.
    pub(super) photo: PhotoKind,
}

/// Parses the form while it arrives; only the picture is buffered.
pub(super) async fn read(
    content_type: Option<&HeaderValue>,
    upload: &Upload,
) -> Result<Form, ApiError> {
    let mut request = Request::new(Body::from_stream(upload.stream()));
    if let Some(kind) = content_type {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, kind.clone());
    }
    // [`Upload`] has its own limit.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|rejection| {
        let message = format!(
            "{}: send multipart/form-data with style, and image for a photo",
            rejection.body_text()
        );
        ApiError::new(StatusCode::BAD_REQUEST, message)
    })?;
    let fields = fields(&mut form).await;
    // It may hold the upload's lock, which `stopped` takes.
    drop(form);
    match fields {
        Ok(form) => Ok(form),
        Err(FormError::Invalid(problem)) => Err(problem),
        Err(FormError::Interrupted(error)) => Err(match upload.stopped().await {
            Some(stop) => stopped(stop),
            None => ApiError::new(StatusCode::BAD_REQUEST, error.body_text()),
        }),
    }
}

/// The form is invalid, or it did not arrive.
enum FormError {
    Invalid(ApiError),
    Interrupted(MultipartError),
}

impl From<MultipartError> for FormError {
    fn from(error: MultipartError) -> Self {
        Self::Interrupted(error)
    }
}

async fn fields(form: &mut Multipart) -> Result<Form, FormError> {
    let (mut style, mut made_by, mut image, mut share, mut photo) = (None, None, None, None, None);
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        let again = match name.as_str() {
            "style" => style.replace(text(field, &name).await?).is_some(),
            "made_by" => made_by
                .replace(maker(&text(field, &name).await?)?)
                .is_some(),
            "image" => image.replace(picture(field).await?).is_some(),
            "share" => share.replace(is_yes(&text(field, &name).await?)?).is_some(),
            "photo" => photo
                .replace(photo_kind(&text(field, &name).await?)?)
                .is_some(),
            // Ignore other fields, such as the pressed button or fields of browser extensions.
            _ => {
                skip(field).await?;
                false
            }
        };
        if again {
            return Err(invalid(format!("the field {name} came twice")));
        }
    }
    let Some(style) = style else {
        return Err(invalid(
            "the field style is missing: /api/styles lists what there is",
        ));
    };
    Ok(Form {
        style,
        made_by,
        image: image.flatten(),
        share: share.unwrap_or(false),
        photo: photo.unwrap_or_default(),
    })
}

async fn text(field: Field<'_>, name: &str) -> Result<String, FormError> {
    let bytes = bytes(field, TEXT_BYTES_MAX, || {
        invalid(format!("the field {name} is too long"))
    });
    String::from_utf8(bytes.await?).map_err(|_| invalid(format!("the field {name} is no text")))
}

/// Without a chosen file, browsers send an empty one without a name (WHATWG HTML, "constructing the
/// entry list").
async fn picture(field: Field<'_>) -> Result<Option<Vec<u8>>, FormError> {
    let unnamed = field.file_name().is_none_or(str::is_empty);
    let too_large = || FormError::Invalid(stopped(UploadError::TooLarge));
    let bytes = bytes(field, IMAGE_BYTES_MAX, too_large).await?;
    Ok(Some(bytes).filter(|bytes| !(unnamed && bytes.is_empty())))
}

async fn bytes(
    mut field: Field<'_>,
    limit: usize,
    too_long: impl Fn() -> FormError,
) -> Result<Vec<u8>, FormError> {
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

/// Absent means no: showing a picture needs consent.
fn is_yes(text: &str) -> Result<bool, FormError> {
    match yes_no(text) {
        Ok(said) => Ok(said.unwrap_or(false)),
        Err(error) => Err(invalid(format!("share: {error}"))),
    }
}

fn maker(text: &str) -> Result<MadeBy, FormError> {
    match text {
        "laptop" => Ok(MadeBy::BuiltIn),
        "comfyui" => Ok(MadeBy::Comfyui),
        _ => Err(invalid(format!("made_by = {text:?}: laptop or comfyui"))),
    }
}

fn photo_kind(text: &str) -> Result<PhotoKind, FormError> {
    match text {
        "single" => Ok(PhotoKind::Single),
        "strip" => Ok(PhotoKind::Strip),
        "boomerang" => Ok(PhotoKind::Boomerang),
        _ => Err(invalid(format!(
            "photo = {text:?}: single, strip or boomerang"
        ))),
    }
}

/// Discards a field; the upload's limit bounds it.
async fn skip(mut field: Field<'_>) -> Result<(), MultipartError> {
    while field.chunk().await?.is_some() {}
    Ok(())
}

fn invalid(message: impl Into<String>) -> FormError {
    FormError::Invalid(ApiError::new(StatusCode::BAD_REQUEST, message))
}

pub(super) fn stopped(stop: UploadError) -> ApiError {
    match stop {
        UploadError::TooLarge => {
            let message = "the picture is larger than 12 MB: send a smaller one";
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        UploadError::Silent => {
            let message = "the upload stopped on the way: send it again";
            ApiError::new(StatusCode::REQUEST_TIMEOUT, message)
        }
        UploadError::Broken => ApiError::new(StatusCode::BAD_REQUEST, "the connection broke"),
    }
}

#[cfg(test)]
mod tests;
