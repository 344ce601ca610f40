//! Blocking work of a request, within its trace.

use capture::trace;
use tokio::task::JoinHandle;

/// As tokio's function of this name; what `work` logs and records belongs to the caller's span.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let context = trace::current();
    tokio::task::spawn_blocking(move || {
        let _entered = trace::enter(context);
        work()
    })
}
