//! Opens models on a thread of their own, one at a time: opening takes seconds, and detection goes on meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use capture::Threads;

use crate::models::store::ModelChoice;
use crate::opening::OpenError;

/// The deadline for opening a model, which some providers compile.
const OPENING_MAX: Duration = Duration::from_secs(15 * 60);

/// Opens a model. `Ok(None)`: no detection is asked for.
pub(super) type OpenModel<D> =
    Arc<dyn Fn(&ModelChoice) -> Result<Option<D>, OpenError> + Send + Sync>;

pub(super) struct Opener<D> {
    open: OpenModel<D>,
    running: Option<Running<D>>,
}

struct Running<D> {
    change: Option<u64>,
    result: Receiver<Result<Option<D>, OpenError>>,
}

/// The result of an attempt to open a model.
pub(super) struct Opened<D> {
    /// The change for which it was opened; `None`: the model in use, for the first time or again.
    pub(super) change: Option<u64>,
    pub(super) result: Result<Option<D>, OpenError>,
}

impl<D: Send + 'static> Opener<D> {
    pub(super) fn new(open: OpenModel<D>) -> Self {
        Self {
            open,
            running: None,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Begins to open a model. Only when it is not busy, so that there are never more than two models.
    pub(super) fn begin(&mut self, change: Option<u64>, model: ModelChoice, threads: &Threads) {
        let (sender, result) = channel();
        self.running = Some(Running { change, result });
        let (open, heartbeat) = (Arc::clone(&self.open), threads.enter("model"));
        let work = move || {
            heartbeat.beat(OPENING_MAX);
            let opened = catch_unwind(AssertUnwindSafe(|| open(&model)));
            let broken = |_| Err(failure("the detector panicked while it opened the model"));
            // Fails when the detect thread has ended; the model is dropped then.
            let _ = sender.send(opened.unwrap_or_else(broken));
        };
        let thread = std::thread::Builder::new().name("model".to_owned());
        if let Err(error) = thread.spawn(work) {
            tracing::error!(%error, "no thread can be started to open a model");
        }
    }

    /// The result, if there is one within `wait`. Does not wait when nothing is being opened.
    pub(super) fn take(&mut self, wait: Duration) -> Option<Opened<D>> {
        let running = self.running.as_ref()?;
        let result = match running.result.recv_timeout(wait) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                Err(failure("the thread that opens the model has ended"))
            }
        };
        let change = running.change;
        self.running = None;
        Some(Opened { change, result })
    }
}

fn failure(message: &str) -> OpenError {
    OpenError {
        is_missing: false,
        message: message.to_owned(),
        fix: None,
    }
}
