//! Overwrites a picture on the server, which has no way to erase one, and looks whether it is gone.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Luma};

use super::client::{CallError, Client};
use super::events::PictureRef;

/// What became of a picture on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blanked {
    /// It is not there any more: seen.
    Gone,
    /// The server, or a proxy before it, does not let it be overwritten.
    Refused,
}

/// A grey point in the place of the picture.
pub(super) fn blank(client: &Client, picture: &PictureRef) -> Result<Blanked, CallError> {
    overwrite(client, picture, &point(GREY))
}

/// Whether the server lets pictures be overwritten: tried with one of our own.
pub(super) fn is_possible(client: &Client) -> Result<bool, CallError> {
    let own = PictureRef {
        filename: "carrier-check.jpg".to_owned(),
        subfolder: String::new(),
        kind: "temp".to_owned(),
    };
    for shade in [GREY / 2, GREY] {
        if overwrite(client, &own, &point(shade))? == Blanked::Refused {
            return Ok(false);
        }
    }
    Ok(true)
}

fn overwrite(client: &Client, at: &PictureRef, with: &[u8]) -> Result<Blanked, CallError> {
    let put = match client.upload(at, with) {
        // One that answers everything else, and breaks this off each time, takes none.
        Err(CallError::Unreachable(_)) => match client.upload(at, with) {
            Err(CallError::Unreachable(why)) => {
                client.is_there().map_err(|_| CallError::Unreachable(why))?;
                return Ok(Blanked::Refused);
            }
            again => again,
        },
        first => first,
    };
    match put {
        Ok(_) => {}
        Err(error @ CallError::Unreachable(_)) => return Err(error),
        Err(CallError::Refused { status, .. }) if is_passing(status) => {
            return Err(CallError::Unreachable(format!("HTTP {status}")));
        }
        Err(_) => return Ok(Blanked::Refused),
    }
    match client.picture(at) {
        Ok(there) if there == with => Ok(Blanked::Gone),
        Err(CallError::Refused { status: 404, .. }) => Ok(Blanked::Gone),
        Err(error @ CallError::Unreachable(_)) => Err(error),
        _ => Ok(Blanked::Refused),
    }
}

/// Of a proxy whose server is not ready.
fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

const GREY: u8 = 128;

fn point(shade: u8) -> Vec<u8> {
    let point = image::GrayImage::from_pixel(1, 1, Luma([shade]));
    let mut jpeg = Cursor::new(Vec::new());
    // Into memory it cannot fail.
    let _ = DynamicImage::from(point).write_to(&mut jpeg, ImageFormat::Jpeg);
    jpeg.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_a_picture_is_a_small_picture() {
        let jpeg = point(GREY);
        assert!(jpeg.len() < 1000, "{}", jpeg.len());
        let read = image::load_from_memory(&jpeg).expect("a JPEG");
        assert_eq!((read.width(), read.height()), (1, 1));
        assert_ne!(jpeg, point(GREY / 2));
    }
}
