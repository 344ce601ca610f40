//! Parts of `/api/status`, made from the values in the slots.

use std::time::Instant;

use capture::{CameraStatus, Signal};
use detector::privacy::PrivacyMode;
use detector::{DetectorState, Placement};
use schemars::JsonSchema;
use serde::Serialize;
use signaling::metrics::RenditionChange;
use signaling::publish::SentFeed;
use signaling::{Publisher, Rendition};

use crate::app::{App, DetectorRate};
use crate::redaction::redact_paths;

/// `source` of `/api/status`.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct SourceReport {
    state: &'static str,
    description: String,
    note: Option<String>,
    reason: Option<String>,
    width: u32,
    height: u32,
    /// As the source reports it, else measured.
    fps: f32,
    /// A publisher (a phone, OBS) replaces the configured source.
    published: bool,
}

impl SourceReport {
    pub(crate) fn of(signal: Option<&Signal>) -> Self {
        let blank = |state, description: &str, reason| Self {
            state,
            description: description.to_owned(),
            reason,
            ..Self::default()
        };
        match signal {
            None => blank("opening", "", None),
            Some(Signal::Opening { source }) => blank("opening", source, None),
            Some(Signal::Closed { reason, .. }) => blank("closed", "", reason.clone()),
            Some(Signal::Lost { source, reason, .. }) => {
                blank("lost", source, Some(reason.clone()))
            }
            Some(Signal::Live {
                source,
                note,
                width,
                height,
                fps,
            }) => Self {
                note: note.clone(),
                width: *width,
                height: *height,
                fps: *fps,
                ..blank("live", source, None)
            },
        }
    }

    /// Adds what is known from frames alone.
    pub(crate) fn measured(mut self, fps: Option<f32>, is_published: bool) -> Self {
        if self.state == "live" {
            self.published = is_published;
            if self.fps <= 0.0 {
                self.fps = fps.map_or(0.0, |fps| (fps * 10.0).round() / 10.0);
            }
        }
        self
    }

    /// Without paths of this machine.
    pub(crate) fn for_visitors(self) -> Self {
        Self {
            description: redact_paths(&self.description),
            note: self.note.as_deref().map(redact_paths),
            reason: self.reason.as_deref().map(redact_paths),
            ..self
        }
    }
}

/// One of `cameras` of `/api/status`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ListedCamera {
    /// The value of the setting `source` that selects it.
    name: String,
    /// Whether it is chosen, in whatever state it is.
    selected: bool,
    /// `live`, `standby`, `opening`, `closed` or `failed`.
    state: &'static str,
    /// Why it failed.
    reason: Option<String>,
    /// How often it failed since the start.
    failures: u64,
}

impl ListedCamera {
    pub(crate) fn of(camera: CameraStatus) -> Self {
        Self {
            name: camera.name.to_string(),
            selected: camera.is_selected,
            state: camera.state.name(),
            reason: camera.reason,
            failures: camera.failures,
        }
    }

    /// Without paths of this machine.
    pub(crate) fn for_visitors(self) -> Self {
        Self {
            reason: self.reason.as_deref().map(redact_paths),
            ..self
        }
    }
}

/// `detector` of `/api/status`.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct DetectorReport {
    state: &'static str,
    model: Option<String>,
    provider: Option<String>,
    /// The model's quality is below what is expected of its kind.
    experimental: bool,
    message: Option<String>,
    fix: Option<String>,
    fps: f64,
    inference_ms: f64,
    /// Why `auto` took this model.
    chosen: Option<String>,
    /// Why the model runs on the processor, although ONNX Runtime is made for more here.
    fallback: Option<String>,
    /// Where the nodes of the network run, the busiest first.
    placements: Vec<PlacementReport>,
    /// The model that detects beside it.
    second: Option<SecondReport>,
    /// The model that is being opened while this one goes on.
    switching_to: Option<String>,
    /// Why the last change of the model failed, until the next one.
    switch_error: Option<String>,
}

/// `second` of `detector` of `/api/status`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct SecondReport {
    model: String,
    provider: &'static str,
    /// One of its detections, with scaling and decoding, smoothed.
    detection_ms: f64,
}

/// One of `placements` of `detector` of `/api/status`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct PlacementReport {
    /// `cpu`, `openvino`, `cuda` or `tensorrt`.
    provider: &'static str,
    /// Some providers make one node of many. `null`: all nodes.
    nodes: Option<usize>,
    /// Of the time of all nodes.
    time_percent: u8,
}

impl PlacementReport {
    fn of(placement: &Placement) -> Self {
        Self {
            provider: placement.provider.name(),
            nodes: placement.nodes,
            time_percent: placement.time_percent,
        }
    }
}

impl DetectorReport {
    pub(crate) fn of(state: &DetectorState, rate: &DetectorRate) -> Self {
        let problem = |state, message: &str, fix: &Option<String>| Self {
            state,
            message: Some(message.to_owned()),
            fix: fix.clone(),
            ..Self::default()
        };
        match state {
            DetectorState::Off => Self {
                state: "off",
                ..Self::default()
            },
            DetectorState::Warming => Self {
                state: "warming",
                ..Self::default()
            },
            DetectorState::Running {
                model,
                provider,
                experimental,
                warning,
                details,
            } => Self {
                state: "running",
                model: Some(model.clone()),
                provider: Some((*provider).to_owned()),
                experimental: *experimental,
                message: warning.clone(),
                fps: rate.fps,
                inference_ms: rate.inference_ms,
                chosen: details.chosen.clone(),
                fallback: details.fallback.clone(),
                second: details.second.as_ref().map(|second| SecondReport {
                    model: redact_paths(&second.model),
                    provider: second.provider,
                    detection_ms: rate.second_ms,
                }),
                placements: details.placements.iter().map(PlacementReport::of).collect(),
                ..Self::default()
            },
            DetectorState::Missing { message, fix } => problem("missing", message, fix),
            DetectorState::Failed { message, fix } => problem("failed", message, fix),
        }
    }

    /// With the last change of the model.
    pub(crate) fn changing(self, change: (Option<String>, Option<String>)) -> Self {
        let (switching_to, switch_error) = change;
        Self {
            switching_to,
            switch_error,
            ..self
        }
    }

    /// Without paths of this machine.
    pub(crate) fn for_visitors(self) -> Self {
        Self {
            switching_to: self.switching_to.as_deref().map(redact_paths),
            switch_error: self.switch_error.as_deref().map(redact_paths),
            model: self.model.as_deref().map(redact_paths),
            message: self.message.as_deref().map(redact_paths),
            fix: self.fix.as_deref().map(redact_paths),
            fallback: self.fallback.as_deref().map(redact_paths),
            ..self
        }
    }
}

/// `privacy` of `/api/status`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct PrivacyReport {
    pub(crate) mode: &'static str,
    pub(crate) promise: Promise,
    /// What keeps the mode from being useful, or from being kept.
    pub(crate) note: Option<String>,
}

/// Whether the station keeps what its privacy mode promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Promise {
    Kept,
    Weak,
    /// The mode promises nothing.
    None,
}

/// The least detection rate at which hardly any picture is blurred as a whole.
const PRIVACY_FPS_LEAST: f64 = 5.0;

impl PrivacyReport {
    pub(crate) fn of(app: &App) -> Self {
        let mode = app.settings.present().privacy.mode;
        let rate = app.somebody_watches().then(|| app.detector_rate().fps);
        let (promise, note) = promise(mode, &app.detector_state(), rate);
        let mode = mode.name();
        Self {
            mode,
            promise,
            note,
        }
    }
}

/// `rate_fps`: detections a second, if somebody watches.
fn promise(
    mode: PrivacyMode,
    state: &DetectorState,
    rate_fps: Option<f64>,
) -> (Promise, Option<String>) {
    if !mode.needs_detections() {
        return (Promise::None, None);
    }
    let DetectorState::Running {
        experimental,
        warning,
        ..
    } = state
    else {
        let note = "Nothing is detected, so that the whole picture is blurred.";
        return (Promise::Kept, Some(note.to_owned()));
    };
    if *experimental {
        let note = "This model is less accurate than usual and may miss persons.";
        return (Promise::Weak, Some(note.to_owned()));
    }
    if let Some(warning) = warning {
        let note = format!("This model may miss persons: {warning}.");
        return (Promise::Weak, Some(note));
    }
    match rate_fps.filter(|rate| *rate < PRIVACY_FPS_LEAST) {
        Some(rate) => {
            let note = format!(
                "Only {rate:.1} detections a second: the pictures between them are blurred as a whole."
            );
            (Promise::Kept, Some(note))
        }
        None => (Promise::Kept, None),
    }
}

/// `publish` of `/api/status`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct PublishReport {
    state: &'static str,
    /// Without the path, which may contain a secret.
    host: String,
    since_s: u64,
    reason: Option<String>,
    /// What it is sent while it is live.
    sent: Option<SentReport>,
}

/// `sent` of `publish` of `/api/status`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct SentReport {
    rendition: Option<String>,
    /// Why that last changed; absent before the first change.
    #[serde(skip_serializing_if = "Option::is_none")]
    rendition_change: Option<&'static str>,
    /// What was sent of late, with headers and retransmissions.
    bitrate_bps: u32,
    /// Bandwidth estimate; `None`: no limit is known.
    estimate_bps: Option<u32>,
    loss: Option<f32>,
    rtt_ms: Option<f64>,
}

impl SentReport {
    fn of(sent: &SentFeed, renditions: &[Rendition]) -> Self {
        let rendition = renditions.iter().find(|one| one.id == sent.rendition);
        Self {
            rendition: rendition.map(Rendition::name),
            rendition_change: sent.rendition_change.map(RenditionChange::as_str),
            bitrate_bps: sent.sent_bps,
            estimate_bps: sent.estimate_bps,
            loss: sent.loss,
            rtt_ms: sent.round_trip.map(|rtt| rtt.as_secs_f64() * 1e3),
        }
    }
}

impl PublishReport {
    pub(crate) fn of(publisher: &Publisher, renditions: &[Rendition], now: Instant) -> Self {
        let (host, status) = (publisher.host(), publisher.status());
        Self {
            state: status.state.name(),
            host: host.to_owned(),
            since_s: now.saturating_duration_since(status.since).as_secs(),
            reason: status.reason,
            sent: status.sent.map(|sent| SentReport::of(&sent, renditions)),
        }
    }
}

/// `Ok` with remarks if the station is ready, else why not. A missing model counts as ready: waiting
/// would not bring it.
pub(crate) fn readiness(
    signal: Option<&Signal>,
    detector: &DetectorState,
    frames_flow: bool,
) -> Result<String, String> {
    match signal {
        None | Some(Signal::Opening { .. }) => return Err("the source is being opened".to_owned()),
        Some(Signal::Lost { reason, .. }) => return Err(redact_paths(reason)),
        // Closed on purpose counts as ready.
        Some(Signal::Closed { .. }) => return Ok(", the camera is closed".to_owned()),
        Some(Signal::Live { .. }) if !frames_flow => return Err("no frame yet".to_owned()),
        Some(Signal::Live { .. }) => {}
    }
    match detector {
        DetectorState::Warming => Err("the model is warming up".to_owned()),
        DetectorState::Running { .. } | DetectorState::Off => Ok(String::new()),
        DetectorState::Missing { message, fix } | DetectorState::Failed { message, fix } => {
            let fix = fix
                .as_ref()
                .map_or_else(String::new, |fix| format!(". To fix it: {fix}"));
            // Readable without a token.
            Ok(redact_paths(&format!(
                ", without detection: {message}{fix}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Signal {
        let source = "test scene".to_owned();
        Signal::Live {
            source,
            note: None,
            width: 1280,
            height: 720,
            fps: 30.0,
        }
    }

    #[test]
    fn ready_means_frames_and_a_warm_model() {
        let warming = DetectorState::Warming;
        let running = DetectorState::Running {
            model: "m".to_owned(),
            provider: "cpu",
            experimental: false,
            warning: None,
            details: detector::RunningDetails::default(),
        };
        assert!(readiness(None, &running, true).is_err());
        assert!(readiness(Some(&live()), &running, false).is_err());
        assert!(readiness(Some(&live()), &warming, true).is_err());
        assert_eq!(readiness(Some(&live()), &running, true), Ok(String::new()));
    }

    #[test]
    fn a_source_that_does_not_tell_its_rate_is_measured() {
        let told = SourceReport::of(Some(&live())).measured(Some(9.0), false);
        assert_eq!((told.fps, told.published), (30.0, false));
        let mut phone = live();
        if let Signal::Live { fps, .. } = &mut phone {
            *fps = 0.0;
        }
        let measured = SourceReport::of(Some(&phone)).measured(Some(24.96), true);
        assert_eq!((measured.fps, measured.published), (25.0, true));
        let opening = SourceReport::of(None).measured(Some(24.0), true);
        assert_eq!((opening.fps, opening.published), (0.0, false));
    }

    #[test]
    fn a_missing_model_is_ready_and_named() {
        let message = "No model is installed.".to_owned();
        let missing = DetectorState::Missing {
            message,
            fix: Some("carrier models pull x".to_owned()),
        };
        let note = readiness(Some(&live()), &missing, true).expect("ready");
        assert!(note.contains("carrier models pull x"), "{note}");
    }

    #[test]
    fn a_lost_source_says_why_everywhere() {
        let lost = Signal::Lost {
            source: "webcam".to_owned(),
            reason: "Camera unplugged. Waiting for it.".to_owned(),
            since: Instant::now(),
        };
        let why = readiness(Some(&lost), &DetectorState::Off, true).expect_err("not ready");
        assert_eq!(why, "Camera unplugged. Waiting for it.");
        let report = SourceReport::of(Some(&lost));
        assert_eq!((report.state, report.reason), ("lost", Some(why)));
    }
}

#[test]
fn a_privacy_mode_fails_closed_and_says_why() {
    let running = |experimental| DetectorState::Running {
        model: "x".to_owned(),
        provider: "cpu",
        experimental,
        warning: None,
        details: detector::RunningDetails::default(),
    };
    let of = |state: &DetectorState, rate| {
        let (promise, note) = promise(PrivacyMode::BlurPeople, state, rate);
        (promise, note.is_some())
    };
    assert_eq!(of(&running(false), Some(20.0)), (Promise::Kept, false));
    assert_eq!(of(&running(false), None), (Promise::Kept, false));
    assert_eq!(of(&running(false), Some(2.0)), (Promise::Kept, true));
    assert_eq!(of(&running(true), Some(20.0)), (Promise::Weak, true));
    let mut odd = running(false);
    if let DetectorState::Running { warning, .. } = &mut odd {
        *warning = Some("odd".to_owned());
    }
    assert_eq!(of(&odd, Some(20.0)), (Promise::Weak, true));
    assert_eq!(of(&DetectorState::Off, None), (Promise::Kept, true));
    let open = promise(PrivacyMode::Open, &DetectorState::Off, None);
    assert_eq!(open, (Promise::None, None));
}
