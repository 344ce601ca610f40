//! A [`JobContext`] that records calls.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use stylise::{FocusPoint, JobContext, Progress, RemoteOrder, StylistError};

#[derive(Default)]
pub(super) struct RecordingContext {
    pub(super) progress: Mutex<Vec<Progress>>,
    pub(super) previews: Mutex<Vec<Vec<u8>>>,
    pub(super) orders: Mutex<Vec<RemoteOrder>>,
    pub(super) focus: Mutex<Option<FocusPoint>>,
    pub(super) cancelled: AtomicBool,
    pub(super) stopping: AtomicBool,
    pub(super) disk_is_full: AtomicBool,
}

impl RecordingContext {
    pub(super) fn last_remote_order(&self) -> Option<RemoteOrder> {
        self.orders.lock().expect("a lock").last().cloned()
    }

    pub(super) fn has_told(&self, wanted: impl Fn(&Progress) -> bool) -> bool {
        self.progress.lock().expect("a lock").iter().any(wanted)
    }
}

impl JobContext for RecordingContext {
    fn report(&self, progress: Progress) {
        self.progress.lock().expect("a lock").push(progress);
    }

    fn preview(&self, picture: Vec<u8>) {
        self.previews.lock().expect("a lock").push(picture);
    }

    fn set_focus(&self, focus: FocusPoint) {
        *self.focus.lock().expect("a lock") = Some(focus);
    }

    fn save_remote_order(&self, remote: &RemoteOrder) -> Result<(), StylistError> {
        if self.disk_is_full.load(SeqCst) {
            return Err(StylistError::Failed("the disk is full".to_owned()));
        }
        self.orders.lock().expect("a lock").push(remote.clone());
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(SeqCst)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }
}
