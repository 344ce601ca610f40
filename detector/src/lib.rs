//! Frames to tracks: models, ONNX Runtime, heads, tracker and the overlay painter.
//!
//! In: frames from a slot. Out: [`Tracks`] in another, and boxes painted on pictures
//! ([`OverlayPainter`]).
//!
//! The way of a frame: the worker (`worker.rs`) takes the newest one and passes it to the
//! [`Detector`] (`detector.rs`), which prepares the network's input (`preprocess.rs`), runs the
//! network (`onnx/session.rs`), decodes its outputs (`heads.rs`) and suppresses duplicates
//! (`detection.rs`). The [`Tracker`] (`tracker.rs`) follows the detections from frame to frame.
//!
//! This crate never names tokio, cameras or WebRTC.

mod bench;
mod camera_motion;
pub mod coco;
mod config;
mod detection;
mod detector;
mod detectors;
#[cfg(test)]
mod fuzz;
mod heads;
mod luma_grid;
mod luma_history;
mod measuring;
mod metrics;
mod models;
mod onnx;
mod opening;
mod overlay;
mod preprocess;
pub mod privacy;
mod self_test;
mod tracker;
mod tracks;
mod worker;
mod zones;

pub use bench::{bench, try_out};
pub use config::DetectorConfig;
pub use detection::{BBox, Detection};
pub use detector::{DetectError, Detector};
pub use detectors::{Detectors, SECOND_FPS, Second};
pub use heads::{BoxUnits, Head, HeadError};
pub use measuring::{Effort, remembered};
pub use metrics::DetectorMetrics;
pub use models::automatic::USUAL_FPS;
pub use models::installed::{InstalledModel, ModelFile};
pub use models::manifest::{
    ColourOrder, InputContract, InputElement, Layout, Manifest, ManifestError, ModelEntry, Resize,
    UnpinnedModel, coco_80,
};
pub use models::places::Places;
pub use models::pull::{PullError, Pulled, part_of, pull};
pub use models::recognise::{Recognised, Unclear, recognise};
pub use models::signature::{Dimension, Element, Signature, Tensor};
pub use models::store::{Installed, ListedModel, ModelChoice, ModelStore, RECOMMENDED, StoreError};
pub use models::timing::Timing;
pub use onnx::device::Device;
pub use onnx::placement::Placement;
pub use onnx::provider::Provider;
pub use onnx::runtime::{Runtime, RuntimeError};
pub use onnx::session::SessionError;
pub use onnx::session_config::SessionConfig;
pub use opening::{OpenError, examine, open, open_all};
pub use overlay::{
    ACCENT, BannerClock, BannerFlash, BannerFlashKind, BannerSide, Card, ClassNames, GameBanner,
    LabelContent, MarkedAs, MarkedTrack, OverlayPainter, class_colour,
};
pub use tracker::{Tracker, TrackerConfig};
pub use tracks::{Track, Tracks};
pub use worker::{
    DetectWhen, DetectorState, ModelChange, ModelChangeState, ModelControl, MotionGate, Pace,
    RunningDetails, SecondModel, Tuning, TuningControl, WorkerHandle, WorkerParts, spawn_worker,
};
pub use zones::{Anchor, Zone, ZoneError, ZoneKind, ZoneMarks, check_zones, polygon_contains};
