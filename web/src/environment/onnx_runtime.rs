//! What ONNX Runtime reads from the environment.
#![allow(unsafe_code)]

/// Microsoft's builds start a client that reports usage when the library is loaded, before it can be told not to; this
/// variable keeps it from starting.
const DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// The first thing that `main` does: no other thread may read the environment meanwhile.
pub(crate) fn disable_telemetry() {
    // SAFETY: called before any thread is started, so that nothing reads the environment at the same time.
    unsafe { std::env::set_var(DISABLE_TELEMETRY, "1") };
}
