//! Starts the supervisors: one for each camera with a name, and one for the source without.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::attempt::AttemptContext;
use super::control::{CameraSupervisor, CaptureHandle, Replacement, Sources};
use super::lineup::{Lineup, SelectedSource};
use super::plan::Plan;
use super::{BACKOFF, Supervisor};
use crate::camera_settings::CameraSettings;
use crate::device_claims::DeviceClaims;
use crate::frame::WallClock;
use crate::metrics::CaptureMetrics;
use crate::picture::PicturePool;
use crate::sources::camera::Wanted;
use crate::sources::idle::PictureDemand;
use crate::sources::output::{Event, PublishGate};
use crate::spec::SourceSpec;
use crate::switch::{InputNumber, SourceSwitch};
use crate::threads::{Heartbeat, Threads};

/// Pictures kept for reuse: as many as the source, the detector, compose and their slots hold.
const POOLED: usize = 8;

/// What to capture and how.
#[derive(Debug, Clone)]
pub struct CaptureConfig {
    /// At the start.
    pub selected: SelectedSource,
    /// The cameras that have names.
    pub cameras: Vec<NamedCamera>,
    /// Of the source without a name.
    pub wanted: Wanted,
    /// What may change while the source without a name is open.
    pub camera: Arc<CameraSettings>,
    /// Who watches; `None`: every picture is wanted.
    pub demand: Option<Arc<dyn PictureDemand>>,
    /// Whether a file starts again at its end.
    pub loop_file: bool,
    /// The process's clock, for the scene's timecode.
    pub clock: WallClock,
    /// Where the supervisors' threads are registered.
    pub threads: Threads,
    /// Nothing is opened before [`ShutterControl::open_sources`](super::ShutterControl::open_sources).
    pub is_shuttered: bool,
}

/// A camera that is selected by its name.
#[derive(Debug, Clone)]
pub struct NamedCamera {
    pub name: String,
    pub source: SourceSpec,
    pub wanted: Wanted,
    /// What may change while it is open.
    pub settings: Arc<CameraSettings>,
    /// Whether it stays open while another one is shown.
    pub is_standby: bool,
}

impl NamedCamera {
    /// For viewers.
    fn title(&self) -> String {
        format!("camera {}", self.name)
    }
}

/// What a supervisor opens.
struct Opens {
    thread: String,
    /// For viewers.
    title: String,
    source: SourceSpec,
    input: InputNumber,
    owner: Option<Arc<str>>,
    wanted: Wanted,
    settings: Arc<CameraSettings>,
    replacement: Replacement,
    is_released: bool,
}

impl Opens {
    fn camera(camera: &NamedCamera, input: InputNumber, is_released: bool) -> Self {
        Self {
            thread: format!("capture-{}", camera.name),
            title: camera.title(),
            source: camera.source.clone(),
            input,
            owner: Some(camera.name.as_str().into()),
            wanted: camera.wanted,
            settings: Arc::clone(&camera.settings),
            replacement: Replacement::default(),
            is_released,
        }
    }
}

/// What all supervisors share.
struct Starter<'a> {
    config: &'a CaptureConfig,
    switch: Arc<SourceSwitch>,
    metrics: Arc<CaptureMetrics>,
    claims: Arc<DeviceClaims>,
}

impl Starter<'_> {
    fn start(&self, opens: Opens) -> io::Result<(Sender<Event>, JoinHandle<()>)> {
        let (events, received) = channel();
        let (thread, closes_slots) = (opens.thread, opens.owner.is_none());
        let mut supervisor = Supervisor {
            context: AttemptContext {
                gate: PublishGate::new(Arc::clone(&self.switch)),
                events: events.clone(),
                pool: PicturePool::new(POOLED),
                camera: opens.settings,
                owner: opens.owner,
                claims: Arc::clone(&self.claims),
                demand: self.config.demand.clone(),
                metrics: Arc::clone(&self.metrics),
                wanted: opens.wanted,
                loop_file: self.config.loop_file,
                clock: self.config.clock,
                threads: self.config.threads.clone(),
            },
            name: opens.title,
            plan: Plan::new(opens.source),
            input: opens.input,
            replacement: opens.replacement,
            switch: Arc::clone(&self.switch),
            received,
            backoff: BACKOFF,
            attempts: 0,
            abandoned: Vec::new(),
            lost: None,
            live: None,
            is_released: opens.is_released,
            closes_slots,
        };
        let run = move |heartbeat: &Heartbeat| supervisor.run(heartbeat);
        let thread = self.config.threads.spawn(thread, run)?;
        Ok((events, thread))
    }
}

/// The source that is opened without a name, and the index of the camera that is selected instead.
fn selected_source(config: &CaptureConfig) -> io::Result<(SourceSpec, Option<usize>)> {
    match &config.selected {
        SelectedSource::Unnamed(source) => Ok((source.clone(), None)),
        SelectedSource::Camera(name) => {
            let mut cameras = config.cameras.iter();
            let index = cameras.position(|camera| camera.name == *name);
            let unknown = || io::Error::other(format!("there is no camera \"{name}\""));
            // Not opened before it is replaced.
            Ok((SourceSpec::Auto, Some(index.ok_or_else(unknown)?)))
        }
    }
}

/// Starts capturing. Frames and signals go to the slots behind `switch`.
///
/// A source that cannot be opened is not an error here: a [`Signal`](crate::Signal) tells it, and it is tried again.
pub fn spawn(
    config: &CaptureConfig,
    switch: Arc<SourceSwitch>,
    metrics: Arc<CaptureMetrics>,
) -> io::Result<CaptureHandle> {
    let (source, selected) = selected_source(config)?;
    let standby = config.cameras.iter().map(|camera| camera.is_standby);
    let lineup = Lineup {
        is_shuttered: config.is_shuttered,
        selected,
        standby: standby.collect(),
    };
    let input = switch.begin_source(source.plain_name());
    let inputs = config.cameras.iter();
    let inputs: Vec<InputNumber> = inputs
        .map(|camera| switch.add_camera(&camera.name, camera.title()))
        .collect();
    if let Some(index) = selected {
        switch.select_camera(inputs[index]);
    }

    let starter = Starter {
        config,
        switch: Arc::clone(&switch),
        metrics,
        claims: Arc::default(),
    };
    let (mut supervisors, mut cameras) = (Vec::new(), Vec::new());
    for (index, (camera, input)) in config.cameras.iter().zip(inputs).enumerate() {
        let opens = Opens::camera(camera, input, !lineup.opens_camera(index));
        let (events, supervisor) = starter.start(opens)?;
        let name = camera.name.clone();
        cameras.push(CameraSupervisor {
            name,
            input,
            events,
        });
        supervisors.push(supervisor);
    }
    let replacement = Replacement::default();
    let (events, supervisor) = starter.start(Opens {
        thread: "capture".to_owned(),
        title: source.plain_name(),
        source,
        input,
        owner: None,
        wanted: config.wanted,
        settings: Arc::clone(&config.camera),
        replacement: Arc::clone(&replacement),
        is_released: !lineup.opens_source(),
    })?;
    supervisors.push(supervisor);
    let sources = Sources {
        switch,
        events,
        replacement,
        cameras,
        lineup: Mutex::new(lineup),
    };
    Ok(CaptureHandle::new(sources, supervisors))
}
