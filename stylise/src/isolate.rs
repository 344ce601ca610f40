//! Runs work on its own thread at a lower priority, so that the live feed is not slowed down and a panic
//! becomes an error.

use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use thiserror::Error;

/// Longest time between two calls of the callback.
const CALLBACK_EVERY: Duration = Duration::from_millis(50);

/// The thread ended without a result.
#[derive(Debug, Error)]
pub(crate) enum IsolateError {
    #[error("no thread could be started: {0}")]
    NoThread(#[from] std::io::Error),
    #[error("its code failed: {0}")]
    Panicked(String),
}

/// Runs the work on a thread with this nice value, and waits for it.
pub(crate) fn run<T: Send>(
    name: &str,
    nice: i32,
    work: impl FnOnce() -> T + Send,
) -> Result<T, IsolateError> {
    run_with_callback(name, nice, work, || {})
}

/// Like [`run`], and calls `callback` repeatedly on the caller's thread until the work is done.
pub(crate) fn run_with_callback<T: Send>(
    name: &str,
    nice: i32,
    work: impl FnOnce() -> T + Send,
    mut callback: impl FnMut(),
) -> Result<T, IsolateError> {
    let caller = thread::current();
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned());
        let handle = thread.spawn_scoped(scope, || {
            let result = with_priority(nice, work);
            caller.unpark();
            result
        })?;
        while !handle.is_finished() {
            callback();
            thread::park_timeout(CALLBACK_EVERY);
        }
        join(handle)
    })
}

/// Runs `other` on a thread of its own, which has the caller's priority, while the caller runs `one`.
pub(crate) fn beside<One, Other: Send>(
    name: &str,
    one: impl FnOnce() -> One,
    other: impl FnOnce() -> Other + Send,
) -> Result<(One, Other), IsolateError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned());
        let handle = thread.spawn_scoped(scope, other)?;
        let made = one();
        Ok((made, join(handle)?))
    })
}

/// Runs the same work on several threads with this nice value, and waits for all of them.
pub(crate) fn run_on_threads<T: Send>(
    name: &str,
    nice: i32,
    threads: usize,
    work: impl Fn() -> T + Sync,
) -> Result<Vec<T>, IsolateError> {
    thread::scope(|scope| {
        let spawn = |_| {
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn_scoped(scope, || with_priority(nice, &work))
        };
        let handles: Vec<_> = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        handles.into_iter().map(join).collect()
    })
}

fn with_priority<T>(nice: i32, work: impl FnOnce() -> T) -> T {
    // On Linux this changes only the calling thread (setpriority(2), "C library/kernel differences").
    // Without permission the work runs at normal priority.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, "cannot lower a thread's priority");
    }
    work()
}

fn join<T>(handle: ScopedJoinHandle<'_, T>) -> Result<T, IsolateError> {
    handle.join().map_err(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        IsolateError::Panicked(words.unwrap_or_else(|| "(no message)".to_owned()))
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_caller_keeps_its_priority() {
        let before = rustix::process::getpriority_process(None).expect("priority");
        let nice = run("test", 19, || rustix::process::getpriority_process(None));
        assert_eq!(nice.expect("ended").expect("priority"), 19);
        assert_eq!(rustix::process::getpriority_process(None), Ok(before));
        let error = run("test", 19, || panic!("ouch {}", 7)).expect_err("panicked");
        assert!(error.to_string().contains("ouch 7"));
    }

    #[test]
    fn work_beside_another_has_the_priority_of_its_caller() {
        let priorities = run("test", 12, || {
            let read = || rustix::process::getpriority_process(None);
            beside("beside", read, read).expect("both ended")
        });
        assert_eq!(priorities.expect("ended"), (Ok(12), Ok(12)));
        assert!(beside("test", || 1, || panic!("ouch")).is_err());
    }

    #[test]
    fn each_thread_works_and_one_panic_is_the_error_of_all() {
        let number = std::sync::atomic::AtomicUsize::new(0);
        let count = || number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut numbers = run_on_threads("test", 0, 3, count).expect("all ended");
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2]);
        assert!(run_on_threads("test", 0, 2, || assert!(count() != 4)).is_err());
    }

    #[test]
    fn the_callback_runs_while_the_work_goes_on() {
        let (looked, saw) = (std::sync::atomic::AtomicU32::new(0), 3);
        let order = std::sync::atomic::Ordering::SeqCst;
        let work = || {
            while looked.load(order) < saw {
                thread::yield_now();
            }
        };
        run_with_callback("test", 0, work, || {
            looked.fetch_add(1, order);
        })
        .expect("ended");
        assert!(looked.load(order) >= saw);
    }
}
