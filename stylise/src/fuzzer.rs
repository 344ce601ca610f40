//! The fuzzer's main file (package stylise/fuzz, not part of this crate). It lies here because modules are
//! looked up next to the file that declares them.
#![no_main]
// Only the upload path of these modules is used.
#![allow(dead_code, unused_imports)]

// Stands in for the crate capture, of which intake needs only the JPEG reader; all of it would need OpenCV.
extern crate self as capture;

mod fuzz;
mod intake;
mod isolate;
#[path = "../../capture/src/jpeg"]
mod jpeg {
    pub mod orientation;
    mod reader;
    mod repair;

    pub use reader::{JpegReadError, JpegReader, OpenedJpeg};
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::upload(data));
