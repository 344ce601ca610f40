//! How other threads control a running capture: they end it, release its sources, or select another one.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::lineup::{Lineup, SelectedSource};
use crate::lock::lock;
use crate::sources::output::Event;
use crate::spec::SourceSpec;
use crate::switch::{InputNumber, SourceSwitch};

/// A running capture. Dropping the handle ends the capture without waiting for it.
#[derive(Debug)]
pub struct CaptureHandle {
    sources: Arc<Sources>,
    /// Of the cameras, then of the source without a name, which closes the slots at its end.
    supervisors: Vec<JoinHandle<()>>,
}

impl CaptureHandle {
    pub(super) fn new(sources: Sources, supervisors: Vec<JoinHandle<()>>) -> Self {
        Self {
            sources: Arc::new(sources),
            supervisors,
        }
    }

    /// Releases and opens the sources from any thread.
    #[must_use]
    pub fn shutter(&self) -> ShutterControl {
        ShutterControl(Arc::clone(&self.sources))
    }

    /// Selects another source from any thread.
    #[must_use]
    pub fn source(&self) -> SourceControl {
        SourceControl(Arc::clone(&self.sources))
    }

    /// Ends the capture and closes both slots. Returns within about a second even when a driver
    /// hangs, because its thread is then left behind.
    pub fn stop(mut self) {
        self.sources.stop_cameras();
        let source = self.supervisors.pop();
        self.supervisors.drain(..).for_each(joined);
        self.sources.stop_source();
        source.into_iter().for_each(joined);
    }
}

fn joined(supervisor: JoinHandle<()>) {
    if supervisor.join().is_err() {
        tracing::error!("a capture supervisor panicked");
    }
}

impl Drop for CaptureHandle {
    fn drop(&mut self) {
        self.sources.stop_cameras();
        self.sources.stop_source();
    }
}

/// Releases the sources and opens them again. Clones control the same capture.
#[derive(Debug, Clone)]
pub struct ShutterControl(Arc<Sources>);

impl ShutterControl {
    /// Releases all sources, cameras on standby too: a camera's light goes off as soon as its driver lets go. Call
    /// [`SourceSwitch::close_shutter`] first, which stops frames at once.
    pub fn release_sources(&self) {
        self.0.change(|lineup| lineup.is_shuttered = true);
    }

    /// Opens the selected source again, and the cameras on standby.
    pub fn open_sources(&self) {
        self.0.change(|lineup| lineup.is_shuttered = false);
    }
}

/// Selects another source. Clones control the same capture.
#[derive(Debug, Clone)]
pub struct SourceControl(Arc<Sources>);

impl SourceControl {
    /// Selects a source. A camera that is open is seen with its next picture; whatever is not is opened, as soon
    /// as the shutter is open, and the signal says so. On return no frame of the former source is in the slot, and none
    /// comes any more. Of several calls the last one wins.
    pub fn select_source(&self, chosen: SelectedSource) {
        match chosen {
            SelectedSource::Unnamed(source) => self.0.replace(source),
            SelectedSource::Camera(name) => self.0.select_camera(&name),
        }
    }

    /// [`crate::PictureDemand::limit`] is another one: a camera that is open is opened again if it would be asked for
    /// another size or rate.
    pub fn follow_limit(&self) {
        self.0.send_all(|| Event::LimitChanged);
    }

    /// The machine was suspended: cameras and connections are opened again at once.
    pub fn reopen_after_suspension(&self) {
        self.0.send_all(|| Event::Resumed);
    }
}

/// The source that is to be opened instead of the present one, until the supervisor takes it.
pub(super) type Replacement = Arc<Mutex<Option<(InputNumber, SourceSpec)>>>;

/// The supervisor of a camera with a name.
#[derive(Debug)]
pub(super) struct CameraSupervisor {
    pub(super) name: String,
    pub(super) input: InputNumber,
    pub(super) events: Sender<Event>,
}

/// All that may be selected.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) switch: Arc<SourceSwitch>,
    /// To the supervisor of the source without a name.
    pub(super) events: Sender<Event>,
    pub(super) replacement: Replacement,
    pub(super) cameras: Vec<CameraSupervisor>,
    /// Locked while it is put into effect, so that the last change wins everywhere.
    pub(super) lineup: Mutex<Lineup>,
}

// Sending fails when a supervisor has ended, which released everything.
impl Sources {
    /// Changes the line-up, and tells those who are to open or to release their sources.
    fn change(&self, change: impl FnOnce(&mut Lineup)) {
        let mut lineup = lock(&self.lineup);
        let before = lineup.clone();
        change(&mut lineup);
        let source = (before.opens_source(), lineup.opens_source(), &self.events);
        let cameras = self.cameras.iter().enumerate().map(|(index, camera)| {
            let (was_open, is_open) = (before.opens_camera(index), lineup.opens_camera(index));
            (was_open, is_open, &camera.events)
        });
        let changes = cameras.chain([source]);
        let (opens, releases): (Vec<_>, Vec<_>) = changes
            .filter(|(was_open, is_open, _)| was_open != is_open)
            .partition(|(_, is_open, _)| *is_open);
        // The next one may need the same bus.
        for (_, is_open, events) in releases.into_iter().chain(opens) {
            let is_released = !is_open;
            let _ = events.send(Event::Release { is_released });
        }
    }

    fn replace(&self, source: SourceSpec) {
        self.change(|lineup| {
            // One lock for both, so that the newest number is that of the source that is opened.
            let mut replacement = lock(&self.replacement);
            let number = self.switch.begin_source(source.plain_name());
            *replacement = Some((number, source));
            lineup.selected = None;
            let _ = self.events.send(Event::SourceReplaced);
        });
    }

    fn select_camera(&self, name: &str) {
        let mut cameras = self.cameras.iter();
        let Some(index) = cameras.position(|camera| camera.name == name) else {
            tracing::error!(name, "there is no camera with this name");
            return;
        };
        self.change(|lineup| {
            if lineup.selected != Some(index) {
                lineup.selected = Some(index);
                self.switch.select_camera(self.cameras[index].input);
                tracing::info!(camera = name, "camera selected");
            }
        });
    }

    /// To each supervisor.
    fn send_all(&self, event: impl Fn() -> Event) {
        let cameras = self.cameras.iter().map(|camera| &camera.events);
        for events in cameras.chain([&self.events]) {
            let _ = events.send(event());
        }
    }

    fn stop_cameras(&self) {
        for camera in &self.cameras {
            let _ = camera.events.send(Event::Stop);
        }
    }

    fn stop_source(&self) {
        let _ = self.events.send(Event::Stop);
    }
}
