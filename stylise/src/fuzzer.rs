//! The fuzzer of uploads: the root of stylise/fuzz, not part of this crate. It stands here because modules
//! are looked for beside the file that names them.
#![no_main]
// Of these modules only what reads uploads is used.
#![allow(dead_code, unused_imports)]

mod apart;
mod fuzz;
mod intake;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::upload(data));
