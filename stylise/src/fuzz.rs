//! Fuzz target for uploads. Used by the fuzzer (`make fuzz`; `fuzzer.rs` includes this file) and, with the
//! stored corpus, by `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

#[cfg(test)]
mod tests;

use crate::intake::CheckedPicture;
use crate::intake::limits::{IntakeError, IntakeErrorKind, Limits};

/// Smaller limits than for uploads, so that more inputs are tried per second.
const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_pixels: 1 << 20,
    longest_side_px: 64,
};

pub(crate) fn upload(bytes: &[u8]) {
    match CheckedPicture::read(bytes, &LIMITS) {
        Ok(picture) => {
            let (width, height) = (picture.width_px(), picture.height_px());
            assert!(width.max(height) <= 64 && width.min(height) >= 1);
            let again = CheckedPicture::read(
                picture.jpeg(),
                &Limits {
                    max_pixels: 4096,
                    ..LIMITS
                },
            );
            // A narrow picture may fall below the minimum size when it is downscaled.
            match again {
                Ok(again) => assert_eq!((again.width_px(), again.height_px()), (width, height)),
                Err(error) => assert!(matches!(error, IntakeError::Shape { .. }), "{error}"),
            }
            for trace in [
                &b"Exif"[..],
                b"ICC_PROFILE",
                b"http://ns.adobe.com",
                b"<html",
            ] {
                let found = picture
                    .jpeg()
                    .windows(trace.len())
                    .any(|part| part == trace);
                assert!(!found, "{} is left", trace.escape_ascii());
            }
        }
        // The panic of a decoder is caught, but still a finding.
        Err(IntakeError::Broken(words)) => panic!("{words}"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let too_large = matches!(
                error,
                IntakeError::TooManyBytes { .. } | IntakeError::TooManyPixels { .. }
            );
            assert_eq!(error.kind() == IntakeErrorKind::TooLarge, too_large);
        }
    }
}
