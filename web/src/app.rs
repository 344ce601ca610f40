//! What the HTTP side reads: the slots of the pipeline and the handles into it.

use std::sync::Arc;

use capture::{Frame, Signal, Slot, WallClock};
use detector::{DetectorState, Pace, Tracks};
use prometheus_client::registry::Registry;
use signaling::whep::Whep;
use signaling::{Composed, Demand, EngineHandle, Rendition};

use crate::admin::AdminToken;
use crate::config::Config;
use crate::report::DetectorRate;
use crate::stills::Stills;

/// Shared by every request.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) clock: WallClock,
    pub(crate) admin: AdminToken,
    pub(crate) frames: Arc<Slot<Frame>>,
    pub(crate) signal: Arc<Slot<Signal>>,
    pub(crate) tracks: Arc<Slot<Tracks>>,
    pub(crate) detector: Arc<Slot<DetectorState>>,
    pub(crate) composed: Arc<Slot<Composed>>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) engine: EngineHandle,
    pub(crate) whep: Whep,
    pub(crate) stills: Stills,
    pub(crate) registry: Registry,
}
