//! The fuzzer of uploads: the root of stylise/fuzz, not part of this crate. It stands here because modules
//! are looked for beside the file that names them.
#![no_main]
// Of these modules only what reads uploads is used.
#![allow(dead_code, unused_imports)]

// What intake needs of the crate capture, under its name; the whole of it brings OpenCV.
extern crate self as capture;

mod apart;
mod fuzz;
mod intake;
#[path = "../../capture/src/jpeg"]
mod jpeg {
    pub mod orientation;
    mod reader;
    mod repair;

    pub use reader::{JpegReadError, JpegReader, OpenedJpeg};
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::upload(data));
