//! A desk that writes down what it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use stylise::{Desk, Progress, Ticket, Trouble};

#[derive(Default)]
pub(super) struct Notes {
    pub(super) progress: Mutex<Vec<Progress>>,
    pub(super) previews: Mutex<Vec<Vec<u8>>>,
    pub(super) tickets: Mutex<Vec<Ticket>>,
    pub(super) cancelled: AtomicBool,
    pub(super) stopping: AtomicBool,
    pub(super) disk_is_full: AtomicBool,
}

impl Notes {
    pub(super) fn last_ticket(&self) -> Option<Ticket> {
        self.tickets.lock().expect("a lock").last().cloned()
    }

    pub(super) fn has_told(&self, wanted: impl Fn(&Progress) -> bool) -> bool {
        self.progress.lock().expect("a lock").iter().any(wanted)
    }
}

impl Desk for Notes {
    fn report(&self, progress: Progress) {
        self.progress.lock().expect("a lock").push(progress);
    }

    fn preview(&self, picture: Vec<u8>) {
        self.previews.lock().expect("a lock").push(picture);
    }

    fn keep_ticket(&self, ticket: &Ticket) -> Result<(), Trouble> {
        if self.disk_is_full.load(SeqCst) {
            return Err(Trouble::Failed("the disk is full".to_owned()));
        }
        self.tickets.lock().expect("a lock").push(ticket.clone());
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(SeqCst)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }
}
