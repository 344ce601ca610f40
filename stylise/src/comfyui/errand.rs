//! A call that waits, on a thread of its own, so that whoever needs its answer can look up in between.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::client::CallError;
use crate::stylist::{Desk, Trouble};

/// How soon a cancelled order is noticed.
const GLANCE: Duration = Duration::from_millis(100);

/// Its answer is dropped when nobody waits for it any more; the call itself ends by its own deadline.
pub(super) struct Errand<T> {
    answer: Receiver<Result<T, CallError>>,
}

impl<T: Send + 'static> Errand<T> {
    pub(super) fn start(call: impl FnOnce() -> Result<T, CallError> + Send + 'static) -> Self {
        // overflow: awaited; one answer, and room for it
        let (to, answer) = sync_channel(1);
        let thread = thread::Builder::new().name("comfyui-call".to_owned());
        // Without a thread the sender is dropped, which reads as a call that brought nothing.
        let _ = thread.spawn(move || {
            let _ = to.send(call());
        });
        Self { answer }
    }

    /// The answer, if it comes within so long. Ask no more once it came.
    pub(super) fn wait(&self, within: Duration) -> Option<Result<T, CallError>> {
        match self.answer.recv_timeout(within) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(CallError::Unreachable(
                "the call ended without an answer".to_owned(),
            ))),
        }
    }

    /// The answer, unless the visitor or the program does not want it any more.
    pub(super) fn attend(&self, desk: &dyn Desk) -> Result<Result<T, CallError>, Trouble> {
        loop {
            if let Some(answer) = self.wait(GLANCE) {
                return Ok(answer);
            }
            glance(desk)?;
        }
    }
}

/// Whether to go on.
pub(super) fn glance(desk: &dyn Desk) -> Result<(), Trouble> {
    if desk.is_cancelled() {
        return Err(Trouble::Cancelled);
    }
    if desk.is_stopping() {
        return Err(Trouble::Stopping);
    }
    Ok(())
}

#[test]
fn a_call_that_panics_is_one_that_brought_nothing() {
    let call = Errand::<()>::start(|| panic!("as a library may"));
    let answer = call.wait(Duration::from_secs(10));
    assert!(matches!(answer, Some(Err(CallError::Unreachable(_)))));
}
