//! The fuzzer of requests: the root of web/fuzz, not part of this crate. It stands here because modules are
//! looked for beside the file that names them.
#![no_main]
// Of these modules only what reads requests is used.
#![allow(dead_code, unused_imports)]

mod credentials;

mod routes {
    mod asked;
    mod behalf;
    mod named_hosts;
    mod problem;
    mod yes_no;

    pub(crate) mod stylise {
        /// Smaller than in the program, so that the limit is met.
        const IMAGE_BYTES_MAX: usize = 4096;

        /// As in the crate `stylise`, which is not part of this.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum MadeBy {
            Laptop,
            Comfyui,
        }

        mod form;
        pub(crate) mod fuzz;
        mod upload;
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| routes::stylise::fuzz::http(data));
