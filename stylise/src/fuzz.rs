//! What reads bytes of strangers, as a function of bytes: for the fuzzer (`make fuzz`; `fuzzer.rs` takes
//! this file in) and, with the kept corpus, for `cargo test`.
//!
//! A target must neither panic nor hang, and asserts what holds for any input.

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;

use crate::intake::{Fault, Intake, IntakeError, Limits};

/// As uploads are read, but for smaller pictures, so that many are tried.
const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_pixels: 1 << 20,
    longest_side_px: 64,
};

/// Takes what a visitor sends.
pub(crate) fn upload(bytes: &[u8]) {
    match Intake::read(bytes, &LIMITS) {
        Ok(picture) => {
            let (width, height) = (picture.width_px(), picture.height_px());
            assert!(width.max(height) <= 64 && width.min(height) >= 1);
            let again = Intake::read(
                picture.jpeg(),
                &Limits {
                    max_pixels: 4096,
                    ..LIMITS
                },
            );
            // Thin ones are under the least size once they are made smaller.
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
        // A decoder that panics is caught, and is a finding all the same.
        Err(IntakeError::Broken(words)) => panic!("{words}"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let too_large = matches!(
                error,
                IntakeError::TooManyBytes { .. } | IntakeError::TooManyPixels { .. }
            );
            assert_eq!(error.fault() == Fault::TooLarge, too_large);
        }
    }
}
