//! Each panic, in whatever thread, is logged with its thread's name and counted.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::set_hook;
use std::thread;

use capture::Threads;

/// The default hook writes to standard error itself, and waits for whoever reads it.
pub(crate) fn log_and_count(threads: &Threads) {
    let threads = threads.clone();
    set_hook(Box::new(move |panic| {
        let current = thread::current();
        let thread = current.name().unwrap_or("unnamed");
        threads.note_panic(thread);
        let words = panic.payload_as_str().unwrap_or("without words");
        let at = panic.location().map(ToString::to_string);
        tracing::error!(thread, at, "panic: {words}");
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            tracing::error!(thread, "{trace}");
        }
    }));
}
