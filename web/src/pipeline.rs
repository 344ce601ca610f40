//! The one page where every thread and every slot is created.
//!
//! ```text
//! [capture] --Slot<Frame>--+--> [detector] --Slot<Tracks>--+
//!     |                    |                               v (painter)
//!     +--Slot<Signal>------+----------------------> [compose] --FrameSink--> [engine] --UDP--> viewers
//!                                                       |
//!                                                       +--Slot<Composed>--> snapshot, MJPEG
//! ```
//!
//! Invariant: no stage ever waits for a slower one; the newest frame wins.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use capture::{CaptureConfig, CaptureHandle, CaptureMetrics, Slot, SourceSpec, WallClock};
use detector::{
    DetectorConfig, DetectorMetrics, OverlayPainter, Pace, Places, SessionConfig, WorkerHandle,
    WorkerParts,
};
use prometheus_client::registry::Registry;
use signaling::whep::Whep;
use signaling::{
    ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts, Demand, Engine, EngineConfig,
    EngineHandle, EngineMetrics, FrameSink, compose,
};

use crate::admin::AdminToken;
use crate::app::App;
use crate::config::Config;
use crate::painter::FeedPainter;
use crate::process::ProcessCollector;
use crate::stills::Stills;

/// The threads, in the order of the picture's way.
pub(crate) struct Pipeline {
    capture: CaptureHandle,
    detector: WorkerHandle,
    compose: ComposeHandle,
    engine: EngineHandle,
}

/// Starts everything but HTTP.
pub(crate) fn start(
    config: Config,
    source: SourceSpec,
    admin: AdminToken,
) -> anyhow::Result<(Arc<App>, Pipeline)> {
    let clock = WallClock::start();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(ProcessCollector));
    let (frames, signal, tracks) = (Slot::new(), Slot::new(), Slot::new());
    let (detector_state, composed) = (Slot::new(), Slot::new());
    let (demand, pace) = (Demand::new(), Arc::new(Pace::default()));
    demand.set_target_bitrate(signaling::RenditionId::MAIN, config.bitrate_bps);

    // The port first: if it is taken, nothing else should have been started.
    let (engine, sink) = start_engine(&config, &demand, &mut registry)?;

    let capture_metrics = Arc::new(CaptureMetrics::default());
    capture_metrics.register(&mut registry);
    let capture_config = capture_config(&config, source, clock);
    let capture = capture::spawn(
        capture_config,
        Arc::clone(&frames),
        Arc::clone(&signal),
        capture_metrics,
    )
    .context("cannot start the capture thread")?;

    let detector_metrics = Arc::new(DetectorMetrics::default());
    detector_metrics.register(&mut registry);
    let worker = WorkerParts {
        frames: frames.reader(),
        tracks: Arc::clone(&tracks),
        state: Arc::clone(&detector_state),
        pace: Arc::clone(&pace),
        metrics: Arc::clone(&detector_metrics),
    };
    let detector = detector::spawn_worker(worker, detector_config(&config)?)
        .context("cannot start the detector thread")?;

    let painter = FeedPainter::new(OverlayPainter::new(), Arc::clone(&tracks), clock);
    let compose = start_compose(
        ComposeParts {
            frames: Arc::clone(&frames),
            signal: Arc::clone(&signal),
            painter: Box::new(painter),
            demand: Arc::clone(&demand),
            composed: Arc::clone(&composed),
            sink,
            config: ComposeConfig::new(clock),
            metrics: Arc::new(ComposeMetrics::default()),
        },
        &mut registry,
    )?;

    let app = App {
        config,
        clock,
        admin,
        frames,
        signal,
        tracks,
        detector_state,
        detector_metrics,
        pace,
        composed,
        demand,
        whep: Whep::new(engine.clone()),
        engine: engine.clone(),
        stills: Stills::default(),
        track_listeners: Arc::default(),
        registry,
    };
    Ok((
        Arc::new(app),
        Pipeline {
            capture,
            detector,
            compose,
            engine,
        },
    ))
}

impl Pipeline {
    /// Ends the threads, the source first, so that nobody waits for a stage that is gone.
    pub(crate) fn stop(self) {
        self.capture.stop();
        self.detector.stop();
        self.compose.stop();
        self.engine.stop();
    }
}

fn start_engine(
    config: &Config,
    demand: &Arc<Demand>,
    registry: &mut Registry,
) -> anyhow::Result<(EngineHandle, FrameSink)> {
    let metrics = Arc::new(EngineMetrics::default());
    metrics.register(registry);
    let config = EngineConfig {
        media_port: config.media_port,
        ..EngineConfig::default()
    };
    Ok(Engine::start(config, Arc::clone(demand), metrics)?)
}

fn start_compose(parts: ComposeParts, registry: &mut Registry) -> anyhow::Result<ComposeHandle> {
    parts.metrics.register(registry);
    compose::spawn(parts).context("cannot start the compose thread")
}

fn capture_config(config: &Config, source: SourceSpec, clock: WallClock) -> CaptureConfig {
    let wanted = capture::Wanted {
        width: config.camera.width,
        height: config.camera.height,
        fps: config.camera.fps,
        format: None,
    };
    CaptureConfig {
        source,
        wanted,
        loop_file: config.loop_file,
        clock,
    }
}

fn detector_config(config: &Config) -> anyhow::Result<DetectorConfig> {
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
    }
}
