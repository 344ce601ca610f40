//! Frames to tracks: model manifest, ONNX Runtime, heads, tracker and the overlay painter.
//!
//! Never: knows of tokio, cameras or WebRTC.

mod bbox;
mod bilinear;
pub mod coco;
mod detection;
mod detector;
mod embedded;
mod heads;
mod labels;
mod manifest;
mod metrics;
mod nms;
mod open;
mod overlay;
mod pace;
mod placement;
mod places;
mod preprocess;
mod profile;
mod provider;
mod pull;
mod retry;
mod runtime;
mod session;
mod state;
mod store;
mod text;
mod tracker;
mod tracks;
mod worker;

pub use bbox::BBox;
pub use detection::Detection;
pub use detector::{DetectError, Detector};
pub use heads::{BoxUnits, Head, HeadError};
pub use labels::COCO_80;
pub use manifest::{
    ColourOrder, InputContract, Layout, Manifest, ManifestError, ModelEntry, Resize,
};
pub use metrics::DetectorMetrics;
pub use open::{DetectorConfig, OpenProblem, open};
pub use overlay::{ACCENT, Card, OverlayPainter};
pub use pace::Pace;
pub use places::Places;
pub use provider::Provider;
pub use pull::{PullError, pull};
pub use runtime::{Runtime, RuntimeError};
pub use session::{SessionConfig, SessionError};
pub use state::DetectorState;
pub use store::{
    Installed, InstalledModel, ListedModel, ModelChoice, ModelFile, ModelStore, StoreError,
};
pub use tracker::{Tracker, TrackerConfig};
pub use tracks::{Track, Tracks};
pub use worker::{WorkerHandle, WorkerParts, spawn_worker};
