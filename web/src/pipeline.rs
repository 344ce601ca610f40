//! The one page where every thread and every slot is created.
//!
//! ```text
//! [capture] --Slot<Frame>--+--> [detector] --Slot<Tracks>--+
//!     |                    |                               v (painter)
//!     +--Slot<Signal>------+----------------------> [compose] --FrameSink--> [engine] --UDP--> viewers
//!     ^ SourceSwitch                                    |       |   +--tap--> [publish] --UDP--> WHIP server
//!     |                                                 |       v (access units)
//!     +-------------------------------------------------|-- [whip-decode], while somebody publishes here
//!                                                       +--Slot<Composed>--> snapshot, MJPEG
//! ```
//!
//! Invariant: no stage ever waits for a slower one; the newest frame wins.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::http::HeaderValue;
use capture::{
    CaptureConfig, CaptureHandle, CaptureMetrics, Frame, Signal, Slot, SourceSpec, SourceSwitch,
    Threads, WallClock, Wanted,
};
use detector::{
    DetectorConfig, DetectorMetrics, DetectorState, OverlayPainter, Pace, Places, SessionConfig,
    Tracks, WorkerHandle, WorkerParts,
};
use prometheus_client::registry::Registry;
use signaling::whep::Whep;
use signaling::whip::{Whip, WhipMetrics};
use signaling::{
    ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts, Composed, Demand, Engine,
    EngineConfig, EngineHandle, EngineMetrics, FrameSink, PublishMetrics, Publisher, compose,
};
use stylise::Builtin;
use stylise::comfyui::Comfyui;
use stylise::workflow::{self, Loaded};

use crate::admin_sessions::AdminSessions;
use crate::admission::Admission;
use crate::app::{App, Entrance};
use crate::booth::PhotoBooth;
use crate::config::{Config, renditions};
use crate::connections::{self, ConnectionMetrics, Connections, Limits, TlsMetrics};
use crate::guesses::Guesses;
use crate::ice_links;
use crate::languages::Languages;
use crate::log::Log;
use crate::painter::FeedPainter;
use crate::process::ProcessCollector;
use crate::routes::SecurityHeaders;
use crate::stills::Stills;
use crate::viewer_token::ViewerToken;
use crate::visitor::Visitors;

/// The threads, in the order of the picture's way.
pub(crate) struct Pipeline {
    capture: CaptureHandle,
    detector: WorkerHandle,
    compose: ComposeHandle,
    engine: EngineHandle,
    publisher: Option<Publisher>,
    threads: Threads,
}

/// Starts everything but HTTP.
pub(crate) fn start(
    config: Config,
    source: SourceSpec,
    entrance: Entrance,
    data: Option<&Path>,
    threads: &Threads,
    log: &Log,
) -> anyhow::Result<(Arc<App>, Pipeline)> {
    let stage = Stage::new(&config, threads);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(ProcessCollector));
    threads.register(&mut registry);
    log.register(&mut registry);

    // The port first: if it is taken, nothing else should have been started.
    let (engine, mut sink) = stage.engine(&mut registry)?;
    let publisher = stage.publisher(&mut sink, &mut registry)?;
    let capture = stage.capture(source, &mut registry)?;
    let (detector, detector_metrics) = stage.detector(&mut registry)?;
    let compose = stage.compose(sink, &mut registry)?;
    let whip = stage.whip(&engine, &mut registry);
    let pipeline = Pipeline {
        capture,
        detector,
        compose,
        engine: engine.clone(),
        publisher: publisher.clone(),
        threads: threads.clone(),
    };
    let admission = Admission::new(&config.viewers);
    admission.register(&mut registry);
    let connections = http_connections(&mut registry);
    let guesses = guesses(&mut registry);
    let viewer_token = config.viewers.token.as_deref();
    let app = App {
        viewer_token: viewer_token.map(|token| ViewerToken::new(token, &entrance.cookie_key)),
        admin_sessions: AdminSessions::default(),
        guesses,
        host_names: entrance.host_names,
        security_headers: SecurityHeaders::new(&config.http),
        admission,
        ice_links: ice_links(&config)?,
        served: entrance.served,
        connections,
        clock: stage.clock,
        admin: entrance.admin,
        switch: stage.switch,
        frames: stage.frames,
        signal: stage.signal,
        tracks: stage.tracks,
        detector_state: stage.detector_state,
        detector_metrics,
        pace: stage.pace,
        composed: stage.composed,
        demand: stage.demand,
        whep: Whep::new(engine.clone()),
        publisher,
        whip,
        engine,
        stills: Stills::default(),
        booth: open_booth(&config, data, threads, &mut registry)?,
        visitors: visitors(&config, data),
        threads: threads.clone(),
        liveness: Mutex::default(),
        languages: Languages::new(config.booth.languages.clone()),
        track_listeners: Arc::default(),
        registry,
        config,
    };
    Ok((Arc::new(app), pipeline))
}

/// Every slot, and what the threads around them are started with.
struct Stage<'a> {
    config: &'a Config,
    threads: &'a Threads,
    clock: WallClock,
    /// In front of `frames` and `signal`: the source, or whoever publishes.
    switch: Arc<SourceSwitch>,
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    tracks: Arc<Slot<Tracks>>,
    detector_state: Arc<Slot<DetectorState>>,
    composed: Arc<Slot<Composed>>,
    demand: Arc<Demand>,
    pace: Arc<Pace>,
}

impl<'a> Stage<'a> {
    fn new(config: &'a Config, threads: &'a Threads) -> Self {
        let (frames, signal) = (Slot::new(), Slot::new());
        Self {
            config,
            threads,
            clock: WallClock::start(),
            switch: SourceSwitch::new(Arc::clone(&frames), Arc::clone(&signal)),
            frames,
            signal,
            tracks: Slot::new(),
            detector_state: Slot::new(),
            composed: Slot::new(),
            demand: Demand::new(),
            pace: Arc::new(Pace::default()),
        }
    }

    fn capture(
        &self,
        source: SourceSpec,
        registry: &mut Registry,
    ) -> anyhow::Result<CaptureHandle> {
        let metrics = Arc::new(CaptureMetrics::default());
        metrics.register(registry);
        let camera = &self.config.camera;
        let config = CaptureConfig {
            source,
            wanted: Wanted {
                width: camera.width,
                height: camera.height,
                fps: camera.fps,
                format: None,
            },
            loop_file: self.config.loop_file,
            clock: self.clock,
            threads: self.threads.clone(),
        };
        let switch = Arc::clone(&self.switch);
        capture::spawn(config, switch, metrics).context("cannot start the capture thread")
    }

    fn detector(
        &self,
        registry: &mut Registry,
    ) -> anyhow::Result<(WorkerHandle, Arc<DetectorMetrics>)> {
        let metrics = Arc::new(DetectorMetrics::default());
        metrics.register(registry);
        let parts = WorkerParts {
            frames: self.frames.reader(),
            tracks: Arc::clone(&self.tracks),
            state: Arc::clone(&self.detector_state),
            pace: Arc::clone(&self.pace),
            metrics: Arc::clone(&metrics),
            threads: self.threads.clone(),
        };
        let worker = detector::spawn_worker(parts, detector_config(self.config)?)
            .context("cannot start the detector thread")?;
        Ok((worker, metrics))
    }

    fn compose(&self, sink: FrameSink, registry: &mut Registry) -> anyhow::Result<ComposeHandle> {
        let metrics = Arc::new(ComposeMetrics::default());
        metrics.register(registry);
        let tracks = Arc::clone(&self.tracks);
        let painter = FeedPainter::new(OverlayPainter::new(), tracks, self.clock);
        let parts = ComposeParts {
            frames: Arc::clone(&self.frames),
            signal: Arc::clone(&self.signal),
            painter: Box::new(painter),
            demand: Arc::clone(&self.demand),
            composed: Arc::clone(&self.composed),
            sink,
            config: ComposeConfig {
                renditions: renditions(&self.config.renditions),
                threads: self.threads.clone(),
                ..ComposeConfig::new(self.clock)
            },
            metrics,
        };
        compose::spawn(parts).context("cannot start the compose thread")
    }

    fn engine(&self, registry: &mut Registry) -> anyhow::Result<(EngineHandle, FrameSink)> {
        let metrics = Arc::new(EngineMetrics::default());
        metrics.register(registry);
        let config = EngineConfig {
            renditions: renditions(&self.config.renditions),
            media_ip: self.config.media_ip()?,
            media_port: self.config.media_port,
            threads: self.config.network.engine_threads,
            registered: self.threads.clone(),
            announced: self.config.network.announced()?,
            ..EngineConfig::default()
        };
        Ok(Engine::start(config, Arc::clone(&self.demand), metrics)?)
    }

    fn publisher(
        &self,
        sink: &mut FrameSink,
        registry: &mut Registry,
    ) -> anyhow::Result<Option<Publisher>> {
        let Some(target) = self.config.publish.target()? else {
            return Ok(None);
        };
        let metrics = Arc::new(PublishMetrics::default());
        metrics.register(registry);
        let demand = Arc::clone(&self.demand);
        let publisher = Publisher::start(target, sink, demand, metrics, self.threads);
        publisher
            .map(Some)
            .context("cannot start the publishing thread")
    }

    fn whip(&self, engine: &EngineHandle, registry: &mut Registry) -> Whip {
        let metrics = Arc::new(WhipMetrics::default());
        metrics.register(registry);
        Whip::new(engine.clone(), Arc::clone(&self.switch), metrics)
    }
}

impl Pipeline {
    /// Ends the threads, the goodbyes first, then from the source on, so that nobody waits for a stage that is gone.
    pub(crate) fn stop(self) {
        self.threads.end();
        if let Some(publisher) = &self.publisher {
            publisher.stop();
        }
        self.capture.stop();
        self.detector.stop();
        self.compose.stop();
        self.engine.stop();
    }
}

fn guesses(registry: &mut Registry) -> Guesses {
    let guesses = Guesses::new(Instant::now());
    guesses.register(registry);
    guesses
}

/// Connections take what the limit of open files leaves to them.
fn http_connections(registry: &mut Registry) -> Connections {
    let (metrics, tls_metrics) = (ConnectionMetrics::default(), TlsMetrics::default());
    metrics.register(registry);
    tls_metrics.register(registry);
    let limits = Limits::for_descriptors(connections::raise_limit());
    Connections::new(limits, metrics, tls_metrics)
}

/// The photo booth has threads of its own, one for each kind of stylist, and no slot: a job waits.
fn open_booth(
    config: &Config,
    data: Option<&Path>,
    threads: &Threads,
    registry: &mut Registry,
) -> anyhow::Result<PhotoBooth> {
    let booth = &config.booth;
    let builtin = booth.builtin.then(Builtin::new);
    // Without a booth, no request goes to the server.
    let comfyui = match config.stylise.settings().filter(|_| booth.enabled) {
        Some(mut settings) => {
            settings.threads = threads.clone();
            let Loaded { workflows, broken } = workflow::load(config.stylise.workflows.as_deref());
            for error in broken {
                tracing::warn!(%error, "a workflow is left out");
            }
            Some(Comfyui::connect(&settings, workflows)?)
        }
        None => None,
    };
    let folder = data.map(|data| data.join("booth"));
    Ok(PhotoBooth::open(
        booth, folder, builtin, comfyui, threads, registry,
    ))
}

/// Without a booth nothing is kept of anybody.
fn visitors(config: &Config, data: Option<&Path>) -> Visitors {
    let file = data.filter(|_| config.booth.enabled);
    Visitors::open(file.map(|data| data.join("visitor-key")).as_deref())
}

fn ice_links(config: &Config) -> anyhow::Result<Vec<HeaderValue>> {
    let links = ice_links::link_values(&config.ice_servers).into_iter();
    links
        .map(|link| HeaderValue::try_from(link).context("ice_servers do not fit into a header"))
        .collect()
}

/// As the configuration wants it.
pub(crate) fn detector_config(config: &Config) -> anyhow::Result<DetectorConfig> {
    let Ok(model) = config.model.parse();
    let provider = match config.provider.as_str() {
        "auto" => None,
        name => Some(name.parse().map_err(anyhow::Error::msg)?),
    };
    let session = SessionConfig {
        threads: Some(config.threads).filter(|threads| *threads > 0),
        provider,
        openvino_device: Some(config.openvino_device.clone()),
    };
    Ok(DetectorConfig {
        model,
        min_score: config.min_score,
        session,
        places: Places::from_env(),
    })
}

/// How soon detection follows the watchers. Boxes may be missing from the first pictures of the
/// first viewer for so long, never the pictures themselves.
const WATCHERS_EVERY: Duration = Duration::from_millis(100);

/// Couples the detector's pace to whoever watches: `detector` and `signaling` never meet but here.
pub(crate) async fn follow_watchers(app: Arc<App>) {
    let mut tick = tokio::time::interval(WATCHERS_EVERY);
    loop {
        tick.tick().await;
        app.pace.set_watched(app.somebody_watches());
        drop(app.note_pictures(Instant::now()));
    }
}
