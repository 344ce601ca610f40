//! The fuzzer of requests: the root of web/fuzz, not part of this crate. It is here because modules are
//! looked up beside the file that declares them.
#![no_main]
// Only what parses requests is used of these modules.
#![allow(dead_code, unused_imports)]

mod access {
    pub(crate) mod credentials;
}

mod http {
    pub(crate) mod bodies;
    pub(crate) mod request_head;
}

mod routes {
    pub(crate) mod stylise {
        /// Smaller than in the program, so that inputs reach the limit.
        const IMAGE_BYTES_MAX: usize = 4096;

        /// As in the crate `stylise`, which is not part of this build.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum MadeBy {
            BuiltIn,
            Comfyui,
        }

        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub(crate) enum PhotoKind {
            #[default]
            Single,
            Strip,
            Boomerang,
        }

        mod form;
        pub(crate) mod fuzz;
        mod upload;
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| routes::stylise::fuzz::http(data));
