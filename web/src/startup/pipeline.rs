//! Every thread and every slot is created in this file.
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
//! Invariant: no stage waits for a slower one; the newest frame wins.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use anyhow::Context;
use capture::{CaptureConfig, CaptureHandle, CaptureMetrics, SelectedSource, Slot, Threads};
use detector::privacy::{PrivacyControl, PrivacyFilter, Sightings};
use detector::{ClassNames, DetectorMetrics, OverlayPainter, WorkerHandle, WorkerParts};
use prometheus_client::registry::Registry;
use signaling::whep::Whep;
use signaling::whip::{Whip, WhipMetrics};
use signaling::{
    ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts, Engine, EngineConfig, EngineHandle,
    EngineMetrics, FrameSink, PublishMetrics, Publisher, compose,
};
use stylise::comfyui::Comfyui;
use stylise::workflow::{self, Loaded};
use stylise::{BoothSettings, Builtin, SharingRules};

use super::encoder::select_encoder;
use super::painter::{FeedFilter, FeedPainter};
use super::people::find_people;
use super::shuttered::Shuttered;
use crate::access::admission::Admission;
use crate::access::guesses::Guesses;
use crate::access::viewer_token::ViewerToken;
use crate::access::visitor::Visitors;
use crate::app::{AccessSetup, App, Slots, TrackListeners, Watchers};
use crate::assets::Languages;
use crate::booth::PhotoBooth;
use crate::config::Config;
use crate::counting::Counting;
use crate::environment;
use crate::events::Events;
use crate::games::{ShownGame, StationGames};
use crate::http::connections::{ConnectionLimits, Connections};
use crate::http::sockets;
use crate::keepsake::Keepsakes;
use crate::metrics::Metrics;
use crate::metrics::cameras::CameraCollector;
use crate::metrics::counting::CountingMetrics;
use crate::metrics::http::HttpMetrics;
use crate::mjpeg::MjpegMetrics;
use crate::power::{Power, PowerCollector, PowerEffects, SystemFiles};
use crate::print::Prints;
use crate::routes::whep_whip::ice_links;
use crate::settings::camera_controls::CameraControls;
use crate::settings::cameras::Cameras;
use crate::settings::storage::Storage;
use crate::settings::{self, Configured, Effects, Followers, ReadConfiguration, Settings};
use crate::shutter::{ShutterKeeper, ShutterState, now_unix_ms, state_at_start};
use crate::stills::Stills;
use crate::stopping::Stopping;

/// Where things are kept; `None`: nowhere.
pub(crate) struct Kept {
    pub(crate) settings: Storage,
    pub(crate) read_again: ReadConfiguration,
    /// Without changes that were kept in the state folder.
    pub(crate) configured: Configured,
    /// Pictures of visitors.
    pub(crate) data: Option<PathBuf>,
    /// The shutter's state, the audit.
    pub(crate) state: Option<PathBuf>,
}

/// The threads, in the order of the data flow.
pub(crate) struct Pipeline {
    capture: CaptureHandle,
    detector: WorkerHandle,
    compose: ComposeHandle,
    engine: EngineHandle,
    publisher: Option<Publisher>,
    threads: Threads,
}

/// Starts everything but HTTP.
#[expect(
    clippy::too_many_lines,
    reason = "one entry for each part of the program"
)]
pub(crate) fn start(
    config: Config,
    selected: SelectedSource,
    setup: AccessSetup,
    kept: Kept,
    threads: &Threads,
    metrics: &Metrics,
) -> anyhow::Result<(Arc<App>, Pipeline)> {
    let builder = PipelineBuilder {
        config: &config,
        threads,
        slots: Slots::new(),
        sightings: Sightings {
            control: Arc::new(PrivacyControl::new(settings::privacy(&config))?),
            slot: Slot::new(),
        },
        cameras: CameraControls::new(&config),
        track_listeners: Arc::default(),
        power: Arc::new(Power::new(
            SystemFiles::new(environment::system_root()),
            Instant::now(),
            &config.power.rules(),
        )),
    };
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let http_metrics = HttpMetrics::default();
    http_metrics.register(&mut registry);
    let counting_metrics = CountingMetrics::default();
    counting_metrics.register(&mut registry);
    let mjpeg_metrics = MjpegMetrics::default();
    mjpeg_metrics.register(&mut registry);
    threads.register(&mut registry);
    registry.register_collector(Box::new(PowerCollector(Arc::clone(&builder.power))));

    // The media port first: if it is taken, nothing else has been started.
    let (engine, mut sink) = builder.engine(&mut registry)?;
    let publisher = builder.publisher(&mut sink, &mut registry)?;
    let games = StationGames::new(&config.play, kept.state.as_deref(), builder.slots.clock)?;
    let carriers = crate::carriers::Carriers::new(kept.state.as_deref(), &config.mesh);
    let state = state_at_start(&config.privacy, kept.state.as_deref(), now_unix_ms());
    let capture = builder.capture(selected, &state, &mut registry)?;
    let controls = builder.controls(
        &capture,
        &engine,
        publisher.clone(),
        (state, kept.state),
        (kept.settings, kept.read_again, kept.configured),
    );
    let followers = controls.settings.followers();
    let is_gallery_open = Arc::clone(&followers.is_gallery_open);
    let sharing = Arc::clone(&followers.sharing);
    let power_effects = builder.power_effects(&capture);
    let (detector, detector_metrics) =
        builder.detector(controls.settings.followers(), &mut registry)?;
    let compose = builder.compose(
        sink,
        controls.settings.followers(),
        games.shown(),
        &mut registry,
    )?;
    let whip = builder.whip(&engine, &mut registry);
    let pipeline = Pipeline {
        capture,
        detector,
        compose,
        engine: engine.clone(),
        publisher: publisher.clone(),
        threads: threads.clone(),
    };
    let connection_limits = ConnectionLimits::for_descriptors(sockets::raise_descriptor_limit());
    let viewer_token = config.viewers.token.as_deref();
    let app = App {
        viewer_token: viewer_token.map(|token| ViewerToken::new(token, &setup.cookie_key)),
        admin_sessions: setup.admin_sessions,
        guesses: Guesses::new(Instant::now(), metrics.token_guesses.clone()),
        host_names: setup.host_names,
        admission: Admission::new(&config.viewers, metrics.viewers_refused.clone()),
        ice_links: ice_links(&config.ice_servers),
        served: setup.served,
        connections: Connections::new(connection_limits, metrics.clone()),
        admin: setup.admin,
        slots: builder.slots,
        detector_metrics,
        whep: Whep::new(engine.clone()),
        publisher,
        whip,
        engine,
        stills: controls.stills,
        shutter: controls.shutter,
        settings: controls.settings,
        events: Events::new(metrics.clone()),
        counting: Counting::new(counting_metrics),
        booth: open_booth(
            &config,
            kept.data.as_deref(),
            (is_gallery_open, sharing),
            threads,
            metrics,
            &mut registry,
        )?,
        keepsakes: Keepsakes::new(&config.booth.frame)?,
        prints: Prints::new(&config.booth.print, config.booth.keep()),
        printed: metrics.booth_prints.clone(),
        visitors: visitors(&config, kept.data.as_deref()),
        threads: threads.clone(),
        liveness: Mutex::default(),
        cameras: Cameras::default(),
        network: setup.network,
        games: Arc::new(games),
        carriers,
        languages: Languages::new(config.booth.languages.clone()),
        track_listeners: builder.track_listeners,
        power: builder.power,
        power_effects,
        stopping: Stopping::default(),
        registry,
        http_metrics,
        mjpeg_metrics,
        openapi: OnceLock::new(),
        config,
    };
    Ok((Arc::new(app), pipeline))
}

/// What the owner changes while the station runs.
struct Controls {
    stills: Arc<Stills>,
    shutter: ShutterKeeper,
    settings: Settings,
}

/// The slots, and the methods that start the threads between them.
struct PipelineBuilder<'a> {
    config: &'a Config,
    threads: &'a Threads,
    slots: Slots,
    sightings: Sightings,
    cameras: CameraControls,
    track_listeners: Arc<TrackListeners>,
    power: Arc<Power>,
}

impl PipelineBuilder<'_> {
    /// Puts the profile of the start into effect.
    fn power_effects(&self, capture: &CaptureHandle) -> PowerEffects {
        let effects = PowerEffects {
            pace: Arc::clone(&self.slots.pace),
            demand: Arc::clone(&self.slots.demand),
            source: capture.source(),
            renditions: self.config.renditions(),
        };
        effects.apply(&self.power.profile_settings());
        effects
    }

    /// `state`: the shutter's, and the folder in which it is kept.
    fn controls(
        &self,
        capture: &CaptureHandle,
        engine: &EngineHandle,
        publisher: Option<Publisher>,
        (state, folder): (ShutterState, Option<PathBuf>),
        (storage, read_again, configured): (Storage, ReadConfiguration, Configured),
    ) -> Controls {
        let stills = Arc::new(Stills::default());
        let shuttered = Arc::new(Shuttered {
            switch: Arc::clone(&self.slots.switch),
            capture: capture.shutter(),
            source: capture.source(),
            demand: Arc::clone(&self.slots.demand),
            engine: engine.clone(),
            publisher,
            tracks: Arc::clone(&self.slots.tracks),
            composed: Arc::clone(&self.slots.composed),
            stills: Arc::clone(&stills),
        });
        let discarding = Arc::clone(&shuttered);
        let replacing = Arc::clone(&shuttered);
        let effects = Effects {
            discard_pictures: Box::new(move || discarding.discard_pictures()),
            select_source: Box::new(move |selected| replacing.select_source(selected)),
        };
        let followers = Followers::new(
            self.config,
            Arc::clone(&self.slots.pace),
            Arc::clone(&self.slots.demand),
            Arc::clone(&self.sightings.control),
            self.cameras.clone(),
            effects,
        );
        let effect = Box::new(move |state: &ShutterState| shuttered.follow(state));
        Controls {
            stills,
            shutter: ShutterKeeper::new(state, folder.as_deref(), effect),
            settings: Settings::new(
                self.config.clone(),
                followers,
                storage,
                read_again,
                configured,
            ),
        }
    }

    fn capture(
        &self,
        selected: SelectedSource,
        state: &ShutterState,
        registry: &mut Registry,
    ) -> anyhow::Result<CaptureHandle> {
        let metrics = Arc::new(CaptureMetrics::default());
        metrics.register(registry);
        registry.register_collector(Box::new(CameraCollector(Arc::clone(&self.slots.switch))));
        if state.closed {
            let (reason, since) = (state.reason.clone(), Instant::now());
            self.slots.switch.close_shutter(reason, since);
        }
        let config = CaptureConfig {
            is_shuttered: state.closed,
            selected,
            cameras: self.cameras.cameras(self.config)?,
            wanted: self.config.camera.wanted(),
            camera: self.cameras.source(),
            demand: Some(Arc::new(Watchers {
                demand: Arc::clone(&self.slots.demand),
                track_listeners: Arc::clone(&self.track_listeners),
                power: Arc::clone(&self.power),
            })),
            loop_file: self.config.loop_file,
            clock: self.slots.clock,
            threads: self.threads.clone(),
        };
        let switch = Arc::clone(&self.slots.switch);
        capture::spawn(&config, switch, metrics).context("cannot start the capture thread")
    }

    fn detector(
        &self,
        followers: &Followers,
        registry: &mut Registry,
    ) -> anyhow::Result<(WorkerHandle, Arc<DetectorMetrics>)> {
        let metrics = Arc::new(DetectorMetrics::default());
        metrics.register(registry);
        let parts = WorkerParts {
            frames: self.slots.frames.reader(),
            tracks: Arc::clone(&self.slots.tracks),
            state: Arc::clone(&self.slots.detector_state),
            pace: Arc::clone(&self.slots.pace),
            sightings: self.sightings.clone(),
            tuning: Arc::clone(&followers.tuning),
            model: Arc::clone(&followers.model),
            metrics: Arc::clone(&metrics),
            threads: self.threads.clone(),
        };
        let worker = detector::spawn_worker(parts, self.config.detector()?)
            .context("cannot start the detector thread")?;
        Ok((worker, metrics))
    }

    fn compose(
        &self,
        sink: FrameSink,
        followers: &Followers,
        game: Arc<Slot<ShownGame>>,
        registry: &mut Registry,
    ) -> anyhow::Result<ComposeHandle> {
        let metrics = Arc::new(ComposeMetrics::default());
        metrics.register(registry);
        let tracks = Arc::clone(&self.slots.tracks);
        let control = Arc::clone(&followers.overlay);
        let clock = self.slots.clock;
        let class_names = ClassNames::new(&self.config.play.language);
        let overlay = OverlayPainter::new().with_class_names(class_names);
        let painter = FeedPainter::new(overlay, tracks, game, control, clock);
        let filter = FeedFilter(PrivacyFilter::new(self.sightings.clone()));
        let parts = ComposeParts {
            frames: Arc::clone(&self.slots.frames),
            signal: Arc::clone(&self.slots.signal),
            painter: Box::new(painter),
            demand: Arc::clone(&self.slots.demand),
            composed: Arc::clone(&self.slots.composed),
            sink,
            config: ComposeConfig {
                renditions: self.config.renditions(),
                threads: self.threads.clone(),
                filters: vec![Box::new(filter)],
                new_encoder: select_encoder(self.config.encoder()),
                clock: self.slots.clock,
            },
            metrics,
        };
        compose::spawn(parts).context("cannot start the compose thread")
    }

    fn engine(&self, registry: &mut Registry) -> anyhow::Result<(EngineHandle, FrameSink)> {
        let metrics = Arc::new(EngineMetrics::default());
        metrics.register(registry);
        let config = EngineConfig {
            renditions: self.config.renditions(),
            media_ip: self.config.media_ip()?,
            media_port: self.config.media_port,
            threads: self.config.network.engine_threads,
            registered: self.threads.clone(),
            announced: self.config.network.announced()?,
            ..EngineConfig::default()
        };
        Ok(Engine::start(
            config,
            Arc::clone(&self.slots.demand),
            metrics,
        )?)
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
        let demand = Arc::clone(&self.slots.demand);
        let renditions = self.config.renditions();
        let publisher = Publisher::start(target, sink, renditions, demand, metrics, self.threads);
        publisher
            .map(Some)
            .context("cannot start the publishing thread")
    }

    fn whip(&self, engine: &EngineHandle, registry: &mut Registry) -> Whip {
        let metrics = Arc::new(WhipMetrics::default());
        metrics.register(registry);
        Whip::new(engine.clone(), Arc::clone(&self.slots.switch), metrics)
    }
}

impl Pipeline {
    /// Ends the threads: publishing first, which ends its session at the server, then from the source on, so
    /// that no thread waits for one that has ended.
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

/// The photo booth has threads of its own, one per kind of stylist, and no slot: jobs are queued.
fn open_booth(
    config: &Config,
    data: Option<&Path>,
    (is_gallery_open, sharing): (Arc<AtomicBool>, Arc<SharingRules>),
    threads: &Threads,
    metrics: &Metrics,
    registry: &mut Registry,
) -> anyhow::Result<PhotoBooth> {
    let booth = &config.booth;
    let people = find_people(config.detector()?);
    let builtin = booth
        .builtin
        .then(|| Builtin::new(Some(Arc::clone(&people)), is_gallery_open));
    // Without a booth, no request is sent to the server.
    let comfyui = match config.stylise.settings().filter(|_| booth.enabled) {
        Some(mut settings) => {
            settings.threads = threads.clone();
            let Loaded { workflows, broken } = workflow::load(config.stylise.workflows.as_deref());
            for error in broken {
                tracing::warn!(%error, "a workflow is invalid and is ignored");
            }
            Some(Comfyui::connect(&settings, workflows, Some(people))?)
        }
        None => None,
    };
    let settings = data.map(|data| BoothSettings {
        keep: booth.keep(),
        keep_counts: config.counting.keep(),
        queue_max: booth.queue_max,
        per_visitor_max: booth.per_visitor_max,
        threads: threads.clone(),
        sharing,
        ..BoothSettings::in_folder(data.join("booth"))
    });
    Ok(PhotoBooth::open(
        booth.enabled,
        settings,
        builtin,
        comfyui,
        metrics.uploads_refused.clone(),
        registry,
    ))
}

/// Without a booth no key is kept.
fn visitors(config: &Config, data: Option<&Path>) -> Visitors {
    let file = data.filter(|_| config.booth.enabled);
    Visitors::open(file.map(|data| data.join("visitor-key")).as_deref())
}
