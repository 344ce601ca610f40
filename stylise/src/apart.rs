//! Work on a thread of its own: the live feed's threads go before it, and a panic ends it alone.

use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use thiserror::Error;

/// How long a caller that looks after the work sleeps at most between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// The thread ended without a result.
#[derive(Debug, Error)]
pub(crate) enum Died {
    /// There was none.
    #[error("no thread could be started: {0}")]
    NoThread(#[from] std::io::Error),
    /// It panicked.
    #[error("its code failed: {0}")]
    Panicked(String),
}

/// Does the work on a thread of this niceness, and waits for it.
pub(crate) fn run<T: Send>(
    name: &str,
    nice: i32,
    work: impl FnOnce() -> T + Send,
) -> Result<T, Died> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned());
        let handle = thread.spawn_scoped(scope, || at(nice, work))?;
        ended(handle)
    })
}

/// As [`run`]; meanwhile `look` is called on the caller's thread, now and then.
pub(crate) fn run_watched<T: Send>(
    name: &str,
    nice: i32,
    work: impl FnOnce() -> T + Send,
    mut look: impl FnMut(),
) -> Result<T, Died> {
    let caller = thread::current();
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.to_owned());
        let handle = thread.spawn_scoped(scope, || {
            let result = at(nice, work);
            caller.unpark();
            result
        })?;
        while !handle.is_finished() {
            look();
            thread::park_timeout(LOOK);
        }
        ended(handle)
    })
}

fn at<T>(nice: i32, work: impl FnOnce() -> T) -> T {
    // Linux takes it for this thread alone (setpriority(2), "C library/kernel differences"). Where it is
    // refused, the work is done all the same.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
    work()
}

fn ended<T>(handle: ScopedJoinHandle<'_, T>) -> Result<T, Died> {
    handle.join().map_err(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        Died::Panicked(words.unwrap_or_else(|| "without words".to_owned()))
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
        let died = run("test", 19, || panic!("ouch {}", 7)).expect_err("panicked");
        assert!(died.to_string().contains("ouch 7"));
    }

    #[test]
    fn the_caller_looks_while_the_work_goes_on() {
        let (looked, saw) = (std::sync::atomic::AtomicU32::new(0), 3);
        let order = std::sync::atomic::Ordering::SeqCst;
        let work = || {
            while looked.load(order) < saw {
                thread::yield_now();
            }
        };
        run_watched("test", 0, work, || {
            looked.fetch_add(1, order);
        })
        .expect("ended");
        assert!(looked.load(order) >= saw);
    }
}
