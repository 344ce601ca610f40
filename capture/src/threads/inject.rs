//! Injected panics and hangs, for tests. Compiled only with debug assertions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::lock::lock;

/// A fault that a thread shows at its next heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedFault {
    Panic,
    /// It panics at each heartbeat.
    PanicAlways,
    /// It hangs until [`InjectedFault::None`] is injected.
    Hang,
    /// Removes the injected fault.
    None,
}

#[derive(Debug, Default)]
pub(super) struct Injected {
    /// Whether there are faults, to be read without the lock.
    any: AtomicBool,
    faults: Mutex<Vec<(String, InjectedFault)>>,
    changed: Condvar,
}

impl Injected {
    pub(super) fn add(&self, thread: &str, fault: InjectedFault) {
        let mut faults = lock(&self.faults);
        faults.retain(|(name, _)| name != thread);
        if fault != InjectedFault::None {
            faults.push((thread.to_owned(), fault));
        }
        self.any.store(!faults.is_empty(), Ordering::Release);
        self.changed.notify_all();
    }

    /// Executes on the calling thread the fault that was injected for `thread`.
    pub(super) fn strike(&self, thread: &str) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut faults = lock(&self.faults);
        let find = |faults: &Vec<(String, InjectedFault)>| {
            let mut found = faults.iter().filter(|(name, _)| name == thread);
            found.next().map(|(_, fault)| *fault)
        };
        match find(&faults) {
            Some(InjectedFault::Hang) => {
                let hangs = |faults: &mut Vec<_>| find(faults) == Some(InjectedFault::Hang);
                let waited = self.changed.wait_while(faults, hangs);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
            Some(fault @ (InjectedFault::Panic | InjectedFault::PanicAlways)) => {
                if fault == InjectedFault::Panic {
                    faults.retain(|(name, _)| name != thread);
                }
                drop(faults);
                panic!("a panic was injected into {thread}");
            }
            Some(InjectedFault::None) | None => {}
        }
    }
}
