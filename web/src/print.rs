//! Prints of the booth's pictures by the print system of this machine (CUPS): requests of visitors (`queue`, pure), and
//! the command that prints (`lp`). A request is in memory only: after a restart the visitor asks again.

mod lp;
mod queue;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use stylise::{JobId, JobView, PhotoKind};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub(crate) use self::lp::PrintError;
pub(crate) use self::queue::{PrintRefusal, PrintRequest, PrintState};

use self::queue::PrintQueue;
use crate::config::keepsake::BoothPrintConfig;

pub(crate) struct Prints {
    /// `None`: there is no printer.
    printer: Option<String>,
    options: Vec<String>,
    needs_approval: bool,
    queue: Mutex<PrintQueue>,
    /// One picture is made and sent at a time.
    turn: Semaphore,
}

/// The prints of one picture.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PrintReport {
    /// Of the last request; absent before the first.
    state: Option<PrintState>,
    /// How many copies can still be asked for.
    copies_left: u32,
    /// Whether the owner looks at a picture before it is printed.
    approval: bool,
}

impl Prints {
    /// `keep`: how long a picture exists.
    pub(crate) fn new(config: &BoothPrintConfig, keep: Duration) -> Self {
        Self {
            printer: config.printer.clone(),
            options: config.options.clone(),
            needs_approval: config.approval,
            queue: Mutex::new(PrintQueue::new(config.copies_max, keep)),
            turn: Semaphore::new(1),
        }
    }

    pub(crate) fn is_offered(&self) -> bool {
        self.printer.is_some()
    }

    fn queue(&self) -> MutexGuard<'_, PrintQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ask(&self, job: JobId, copies: u32) -> Result<PrintRequest, PrintRefusal> {
        self.queue()
            .ask(job, copies, self.needs_approval, Instant::now())
    }

    /// The owner's decision; `None`: nothing waits under this id.
    pub(crate) fn decide(&self, id: Uuid, is_approved: bool) -> Option<PrintRequest> {
        self.queue().decide(id, is_approved)
    }

    /// `None`: this picture cannot be printed.
    pub(crate) fn report(&self, view: &JobView) -> Option<PrintReport> {
        let moves = view.photo_kind == PhotoKind::Boomerang;
        if self.printer.is_none() || !view.has_result || moves {
            return None;
        }
        let queue = self.queue();
        Some(PrintReport {
            state: queue.newest(view.id).map(|request| request.state),
            copies_left: queue.copies_left(view.id),
            approval: self.needs_approval,
        })
    }

    pub(crate) fn waiting(&self) -> Vec<PrintRequest> {
        self.queue().waiting()
    }

    pub(crate) fn forget(&self, job: JobId) {
        self.queue().forget(job);
    }

    pub(crate) fn sent(&self, id: Uuid, is_printed: bool) {
        self.queue().sent(id, is_printed);
    }

    /// Waits until the printer's turn is free.
    pub(crate) async fn turn(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // overflow: awaited: requests are limited.
        self.turn.acquire().await.ok()
    }

    /// Hands a JPEG to the print system. Blocks for up to half a minute. `title`: as the print system lists it.
    pub(crate) fn print(
        &self,
        request: &PrintRequest,
        title: &str,
        jpeg: Vec<u8>,
    ) -> Result<(), PrintError> {
        let Some(printer) = &self.printer else {
            return Err(PrintError::Refused("no printer is configured".to_owned()));
        };
        lp::print(
            &lp::arguments(printer, request.copies, title, &self.options),
            jpeg,
        )
    }
}
