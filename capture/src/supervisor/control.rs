//! How other threads control a running capture: they end it, release its source, or replace its source.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::frame::SourceNumber;
use crate::lock::lock;
use crate::sources::output::Event;
use crate::spec::SourceSpec;
use crate::switch::SourceSwitch;

/// A running capture. Dropping the handle ends the capture without waiting for it.
#[derive(Debug)]
pub struct CaptureHandle {
    source: SourceControl,
    thread: Option<JoinHandle<()>>,
}

impl CaptureHandle {
    pub(super) fn new(source: SourceControl, thread: JoinHandle<()>) -> Self {
        let thread = Some(thread);
        Self { source, thread }
    }

    /// Releases and opens the source from any thread.
    #[must_use]
    pub fn shutter(&self) -> ShutterControl {
        ShutterControl(self.source.events.clone())
    }

    /// Replaces the source from any thread.
    #[must_use]
    pub fn source(&self) -> SourceControl {
        self.source.clone()
    }

    /// Ends the capture and closes both slots. Returns within about a second even when a driver
    /// hangs, because its thread is then left behind.
    pub fn stop(mut self) {
        // Fails when the supervisor has ended already.
        let _ = self.source.events.send(Event::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the capture supervisor panicked");
        }
    }
}

impl Drop for CaptureHandle {
    fn drop(&mut self) {
        let _ = self.source.events.send(Event::Stop);
    }
}

/// Releases the source and opens it again. Clones control the same capture.
#[derive(Debug, Clone)]
pub struct ShutterControl(Sender<Event>);

impl ShutterControl {
    /// Releases the source: a camera's light goes off as soon as its driver lets go. Call
    /// [`SourceSwitch::close_shutter`] first, which stops frames at once.
    pub fn release_source(&self) {
        // Fails when the supervisor has ended, which released everything.
        let _ = self.0.send(Event::Shutter { is_closed: true });
    }

    /// Opens the source again.
    pub fn open_source(&self) {
        let _ = self.0.send(Event::Shutter { is_closed: false });
    }
}

/// The source that is to be opened instead of the present one, until the supervisor takes it.
pub(super) type Replacement = Arc<Mutex<Option<(SourceNumber, SourceSpec)>>>;

/// Replaces the source. Clones control the same capture.
#[derive(Debug, Clone)]
pub struct SourceControl {
    pub(super) events: Sender<Event>,
    pub(super) switch: Arc<SourceSwitch>,
    pub(super) replacement: Replacement,
}

impl SourceControl {
    /// Closes the present source and opens `source`, as soon as the shutter is open. On return the signal says that
    /// it is being opened, no frame of the former source is in the slot, and none comes any more. Of several calls
    /// the last one wins.
    pub fn replace(&self, source: SourceSpec) {
        // One lock for both, so that the newest number is that of the source that is opened.
        let mut replacement = lock(&self.replacement);
        let number = self.switch.begin_source(source.plain_name());
        *replacement = Some((number, source));
        // Fails when the supervisor has ended.
        let _ = self.events.send(Event::SourceReplaced);
    }

    /// [`crate::PictureDemand::limit`] is another one: a camera that is open is opened again if it would be asked for
    /// another size or rate.
    pub fn follow_limit(&self) {
        // Fails when the supervisor has ended.
        let _ = self.events.send(Event::LimitChanged);
    }

    /// The machine was suspended: a camera or a connection is opened again at once.
    pub fn reopen_after_suspension(&self) {
        let _ = self.events.send(Event::Resumed);
    }
}
