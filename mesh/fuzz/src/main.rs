//! One fuzzer for all targets: `FUZZ_TARGET` names one.
#![no_main]

use std::sync::LazyLock;

use mesh::fuzz::TARGETS;

static TAKE: LazyLock<fn(&[u8])> = LazyLock::new(|| fuzzing::target_of_environment(&TARGETS));

libfuzzer_sys::fuzz_target!(|data: &[u8]| TAKE(data));
