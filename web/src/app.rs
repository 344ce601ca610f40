//! What the HTTP side reads: the slots of the pipeline and the handles into it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::HeaderValue;
use capture::{Frame, Signal, Slot, SourceSwitch, Threads, WallClock};
use detector::{DetectorMetrics, DetectorState, Pace, Tracks};
use prometheus_client::registry::Registry;
use signaling::whep::Whep;
use signaling::whip::Whip;
use signaling::{Composed, Demand, EngineHandle, Publisher, Rendition, RenditionId};

use crate::admin::AdminToken;
use crate::admin_sessions::AdminSessions;
use crate::admission::Admission;
use crate::booth::PhotoBooth;
use crate::config::{Config, renditions};
use crate::connections::Connections;
use crate::cookie_key::CookieKey;
use crate::guesses::Guesses;
use crate::host_names::HostNames;
use crate::languages::Languages;
use crate::liveness::Liveness;
use crate::public_address::Served;
use crate::report::DetectorRate;
use crate::rights::Tokens;
use crate::routes::SecurityHeaders;
use crate::stills::Stills;
use crate::viewer_token::ViewerToken;
use crate::visitor::Visitors;

/// Shared by every request.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) threads: Threads,
    pub(crate) liveness: Mutex<Liveness>,
    pub(crate) clock: WallClock,
    pub(crate) admin: AdminToken,
    pub(crate) admin_sessions: AdminSessions,
    pub(crate) guesses: Guesses,
    /// Under which names requests are answered.
    pub(crate) host_names: HostNames,
    pub(crate) security_headers: SecurityHeaders,
    /// None: everybody may watch.
    pub(crate) viewer_token: Option<ViewerToken>,
    pub(crate) admission: Admission,
    /// STUN and TURN servers, as viewers are told of them.
    pub(crate) ice_links: Vec<HeaderValue>,
    /// Where the pages are served.
    pub(crate) served: Served,
    pub(crate) connections: Connections,
    /// In front of `frames` and `signal`: the source, or whoever publishes.
    pub(crate) switch: Arc<SourceSwitch>,
    pub(crate) frames: Arc<Slot<Frame>>,
    pub(crate) signal: Arc<Slot<Signal>>,
    pub(crate) tracks: Arc<Slot<Tracks>>,
    pub(crate) detector_state: Arc<Slot<DetectorState>>,
    pub(crate) detector_metrics: Arc<DetectorMetrics>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) composed: Arc<Slot<Composed>>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) engine: EngineHandle,
    pub(crate) whep: Whep,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) whip: Whip,
    pub(crate) stills: Stills,
    pub(crate) booth: PhotoBooth,
    pub(crate) visitors: Visitors,
    pub(crate) languages: Languages,
    pub(crate) track_listeners: Arc<AtomicU32>,
    pub(crate) registry: Registry,
}

/// Held while somebody listens to the tracks.
pub(crate) struct TracksLease(Arc<AtomicU32>);

/// Who is let in, and by what.
pub(crate) struct Entrance {
    pub(crate) admin: AdminToken,
    pub(crate) cookie_key: CookieKey,
    pub(crate) host_names: HostNames,
    /// Where the pages are served.
    pub(crate) served: Served,
}

impl App {
    /// What opens what.
    pub(crate) fn tokens(&self) -> Tokens<'_> {
        Tokens {
            admin: &self.admin,
            viewers: self.viewer_token.as_ref(),
            whip: self.config.whip_token.as_deref(),
            metrics: self.config.http.metrics_token.as_deref(),
        }
    }

    /// The path of something here, as a browser has to ask for it: behind the prefix of a proxy.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.config.http.prefix())
    }

    /// How the detector is doing. Nothing published yet means that its thread is just starting.
    pub(crate) fn detector_state(&self) -> DetectorState {
        self.detector_state
            .latest()
            .map_or(DetectorState::Warming, |state| (*state).clone())
    }

    /// How the source is doing: live only while new pictures come.
    pub(crate) fn signal_told(&self) -> Option<Signal> {
        let now = Instant::now();
        let signal = self.signal.latest();
        self.note_pictures(now).told(signal.as_deref(), now)
    }

    /// Follows the newest pictures and whoever watches them.
    pub(crate) fn note_pictures(&self, now: Instant) -> MutexGuard<'_, Liveness> {
        let newest = self.frames.latest();
        let frame = newest.map(|frame| (frame.captured_at, frame.stale_after));
        let composed_at = self.composed.latest().map(|picture| picture.captured_at);
        let watched = self.demand.somebody_watches();
        let mut liveness = self.liveness.lock().unwrap_or_else(PoisonError::into_inner);
        liveness.note(now, frame, composed_at, watched);
        liveness
    }

    /// How fast it has been of late.
    pub(crate) fn detector_rate(&self) -> DetectorRate {
        DetectorRate {
            fps: self.detector_metrics.rate_fps.get(),
            inference_ms: self.detector_metrics.recent_inference.get() * 1e3,
        }
    }

    /// What viewers can get, largest first, with the bitrates that their encoders aim at now.
    pub(crate) fn renditions(&self) -> Vec<Rendition> {
        let aimed_at = |rendition: Rendition| Rendition {
            bitrate_bps: self
                .demand
                .target_bitrate(rendition.id)
                .unwrap_or(rendition.bitrate_bps),
            ..rendition
        };
        renditions(&self.config.renditions)
            .into_iter()
            .map(aimed_at)
            .collect()
    }

    /// The bitrate of the largest rendition from the next frame on; viewers may hold it lower.
    pub(crate) fn set_bitrate(&self, bps: u32) {
        self.demand.set_nominal_bitrate(RenditionId::MAIN, bps);
    }

    /// Listening to tracks wants the full detection rate, but no picture.
    pub(crate) fn watch_tracks(&self) -> TracksLease {
        self.track_listeners.fetch_add(1, Ordering::Relaxed);
        TracksLease(Arc::clone(&self.track_listeners))
    }

    /// Whether detection serves anybody.
    pub(crate) fn somebody_watches(&self) -> bool {
        self.demand.somebody_watches() || self.track_listeners.load(Ordering::Relaxed) > 0
    }
}

impl Drop for TracksLease {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
