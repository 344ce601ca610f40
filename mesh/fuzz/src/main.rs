//! One fuzzer for all targets: `FUZZ_TARGET` names one.
#![no_main]

use std::sync::LazyLock;

use mesh::fuzz::TARGETS;

static TAKE: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.0).collect();
    let found = TARGETS.iter().find(|target| target.0 == name);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET is one of {names:?}, not {name:?}")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TAKE(data));
