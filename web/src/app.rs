//! The state that HTTP handlers share: the slots of the pipeline and handles to its threads.

mod listeners;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use axum::http::HeaderValue;
use bytes::Bytes;
use capture::{Frame, Signal, Slot, SourceSwitch, Threads, WallClock};
use detector::{DetectorMetrics, DetectorState, Pace, Tracks};
use prometheus_client::registry::Registry;
use signaling::whep::Whep;
use signaling::whip::Whip;
use signaling::{Composed, Demand, EngineHandle, Publisher, Rendition};

pub(crate) use self::listeners::{TrackListeners, TracksLease, Watchers};
use crate::access::admin::AdminToken;
use crate::access::admin_sessions::AdminSessions;
use crate::access::admission::Admission;
use crate::access::guesses::Guesses;
use crate::access::rights::Tokens;
use crate::access::viewer_token::{CookieKey, ViewerToken};
use crate::access::visitor::Visitors;
use crate::assets::Languages;
use crate::booth::PhotoBooth;
use crate::carriers::Carriers;
use crate::config::{Config, ConfigError};
use crate::counting::Counting;
use crate::events::Events;
use crate::games::StationGames;
use crate::http::addresses::Served;
use crate::http::connections::Connections;
use crate::http::host_names::HostNames;
use crate::keepsake::Keepsakes;
use crate::metrics::http::HttpMetrics;
use crate::metrics::{CounterBy, PrintOutcome};
use crate::mjpeg::MjpegMetrics;
use crate::network::NetworkState;
use crate::network::visitors::VisitorsAddress;
use crate::power::{Power, PowerEffects};
use crate::print::Prints;
use crate::settings::cameras::Cameras;
use crate::settings::{Reloaded, Settings};
use crate::shutter::{Cause, ShutterKeeper};
use crate::stills::Stills;
use crate::stopping::Stopping;
use crate::supervision::liveness::Liveness;

pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) threads: Threads,
    pub(crate) liveness: Mutex<Liveness>,
    pub(crate) admin: AdminToken,
    pub(crate) admin_sessions: AdminSessions,
    pub(crate) guesses: Guesses,
    pub(crate) host_names: HostNames,
    /// `None`: everybody may watch.
    pub(crate) viewer_token: Option<ViewerToken>,
    pub(crate) admission: Admission,
    /// `Link` header values of the STUN and TURN servers.
    pub(crate) ice_links: Vec<HeaderValue>,
    /// The addresses of the pages.
    pub(crate) served: Served,
    pub(crate) connections: Connections,
    pub(crate) slots: Slots,
    pub(crate) detector_metrics: Arc<DetectorMetrics>,
    pub(crate) engine: EngineHandle,
    pub(crate) whep: Whep,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) whip: Whip,
    pub(crate) stills: Arc<Stills>,
    pub(crate) shutter: ShutterKeeper,
    /// What changes while the station runs; `config` is what it started with.
    pub(crate) settings: Settings,
    pub(crate) cameras: Cameras,
    pub(crate) network: NetworkState,
    pub(crate) events: Arc<Events>,
    pub(crate) counting: Counting,
    pub(crate) booth: PhotoBooth,
    pub(crate) keepsakes: Keepsakes,
    pub(crate) prints: Prints,
    pub(crate) printed: CounterBy<PrintOutcome>,
    pub(crate) visitors: Visitors,
    pub(crate) games: Arc<StationGames>,
    pub(crate) carriers: Carriers,
    pub(crate) languages: Languages,
    pub(crate) track_listeners: Arc<TrackListeners>,
    pub(crate) power: Arc<Power>,
    pub(crate) power_effects: PowerEffects,
    pub(crate) stopping: Stopping,
    pub(crate) registry: Registry,
    pub(crate) http_metrics: HttpMetrics,
    pub(crate) mjpeg_metrics: MjpegMetrics,
    /// The OpenAPI document, made when it is asked for first.
    pub(crate) openapi: OnceLock<Bytes>,
}

/// What the threads of the pipeline pass on, and what they share.
pub(crate) struct Slots {
    pub(crate) clock: WallClock,
    /// Puts the frames of the source or of a publisher into `frames` and `signal`.
    pub(crate) switch: Arc<SourceSwitch>,
    pub(crate) frames: Arc<Slot<Frame>>,
    pub(crate) signal: Arc<Slot<Signal>>,
    pub(crate) tracks: Arc<Slot<Tracks>>,
    pub(crate) detector_state: Arc<Slot<DetectorState>>,
    pub(crate) composed: Arc<Slot<Composed>>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) pace: Arc<Pace>,
}

impl Slots {
    pub(crate) fn new() -> Self {
        let (frames, signal) = (Slot::new(), Slot::new());
        Self {
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
}

/// What [`App`] needs to know of tokens, host names, listeners and networks.
pub(crate) struct AccessSetup {
    pub(crate) admin: AdminToken,
    pub(crate) admin_sessions: AdminSessions,
    pub(crate) cookie_key: CookieKey,
    pub(crate) host_names: HostNames,
    /// The addresses of the pages.
    pub(crate) served: Served,
    pub(crate) network: NetworkState,
}

/// Recent detection rate and time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct DetectorRate {
    pub(crate) fps: f64,
    pub(crate) inference_ms: f64,
    /// One detection by the second model.
    pub(crate) second_ms: f64,
}

impl App {
    pub(crate) fn tokens(&self) -> Tokens<'_> {
        Tokens {
            admin: &self.admin,
            viewers: self.viewer_token.as_ref(),
            whip: self.config.whip_token.as_deref(),
            metrics: self.config.http.metrics_token.as_deref(),
        }
    }

    /// `path` with the prefix of a proxy, as a browser has to request it.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.config.http.prefix())
    }

    /// Where visitors find the pages at present.
    pub(crate) fn visitors_address(&self) -> VisitorsAddress {
        let present = self.settings.present();
        VisitorsAddress::now(&present, &self.served, &self.network.interfaces())
    }

    /// The state that the detect thread last published; before the first one it is starting.
    pub(crate) fn detector_state(&self) -> DetectorState {
        self.slots
            .detector_state
            .latest()
            .map_or(DetectorState::Warming, |state| (*state).clone())
    }

    /// The source's signal, corrected: it is live only while new frames arrive.
    pub(crate) fn effective_signal(&self) -> Option<Signal> {
        let now = Instant::now();
        let signal = self.slots.signal.latest();
        self.update_liveness(now)
            .effective_signal(signal.as_deref(), now)
    }

    /// Feeds the newest frame times and the demand into [`Liveness`].
    pub(crate) fn update_liveness(&self, now: Instant) -> MutexGuard<'_, Liveness> {
        let newest = self.slots.frames.latest();
        let frame = newest.map(|frame| (frame.captured_at, frame.stale_after));
        let composed_at = self
            .slots
            .composed
            .latest()
            .map(|picture| picture.captured_at);
        let watched = self.slots.demand.somebody_watches();
        let mut liveness = self.liveness.lock().unwrap_or_else(PoisonError::into_inner);
        liveness.record(now, frame, composed_at, watched);
        liveness
    }

    pub(crate) fn detector_rate(&self) -> DetectorRate {
        DetectorRate {
            fps: self.detector_metrics.rate_fps.get(),
            inference_ms: self.detector_metrics.recent_inference.get() * 1e3,
            second_ms: self.detector_metrics.recent_second.get() * 1e3,
        }
    }

    pub(crate) fn count_print(&self, outcome: PrintOutcome) {
        self.printed.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// The renditions, largest first, with the current target bitrates of their encoders.
    pub(crate) fn renditions(&self) -> Vec<Rendition> {
        let aimed_at = |rendition: Rendition| Rendition {
            bitrate_bps: self
                .slots
                .demand
                .target_bitrate(rendition.id)
                .unwrap_or(rendition.bitrate_bps),
            ..rendition
        };
        self.settings
            .present()
            .renditions()
            .into_iter()
            .map(aimed_at)
            .collect()
    }

    /// Reads the configuration again. The outcome is in the log and the audit.
    pub(crate) fn reload_configuration(
        &self,
        cause: Cause,
        who: Option<String>,
    ) -> Result<Reloaded, ConfigError> {
        let reloaded = self.settings.reload().inspect_err(|error| {
            tracing::error!(%error, "the configuration is refused, and the station goes on with the present one");
        })?;
        tracing::info!(
            changed = reloaded.changed.join(", "),
            kept_live = reloaded.kept_live.join(", "),
            needs_restart = reloaded.needs_restart.join(", "),
            "the configuration was read again"
        );
        if !reloaded.changed.is_empty() {
            let what = format!("configuration read again: {}", reloaded.changed.join(", "));
            self.shutter.record(what, cause, who);
        }
        Ok(reloaded)
    }

    /// Selects the next camera that has a name. Returns its name; `None`: there is no other. Blocks for a few
    /// milliseconds.
    pub(crate) fn next_camera(&self, who: &str) -> Option<String> {
        let name = self.settings.next_camera()?;
        let what = format!("camera \"{name}\" selected");
        self.shutter
            .record(what, Cause::Person, Some(who.to_owned()));
        Some(name)
    }

    /// A listener of tracks makes detection run at full rate, without composing pictures.
    pub(crate) fn watch_tracks(&self) -> TracksLease {
        self.track_listeners.listen(false)
    }

    /// The same at a low rate, which suffices to notice that somebody comes.
    pub(crate) fn watch_presence(&self) -> TracksLease {
        self.track_listeners.listen(true)
    }

    /// Whether detection has a consumer.
    pub(crate) fn somebody_watches(&self) -> bool {
        self.slots.demand.somebody_watches() || self.track_listeners.are_there()
    }
}
