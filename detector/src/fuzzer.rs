//! The fuzzer's main file (package detector/fuzz, not part of this crate). It lies here because modules are
//! looked up next to the file that declares them.
#![no_main]
// Only what parses is used of these modules; ONNX Runtime and OpenCV are not needed.
#![allow(dead_code, unused_imports)]

mod detection;
mod fuzz;
mod heads;
mod models {
    pub(crate) mod manifest;
    pub(crate) mod recognise;
    pub(crate) mod signature;
}

use std::sync::LazyLock;

static TAKE: LazyLock<fn(&[u8])> = LazyLock::new(|| fuzzing::target_of_environment(&fuzz::TARGETS));

libfuzzer_sys::fuzz_target!(|data: &[u8]| TAKE(data));
