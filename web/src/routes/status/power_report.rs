//! `power` of `/api/status`, for the owner.

use schemars::JsonSchema;
use serde::Serialize;

use crate::power::{
    BatteryGoal, BatteryState, BatteryStatus, PowerProfile, PowerView, ProfileChoice,
    ProfileReason, ProfileSettings, Temperature,
};

/// Everything that is unknown is null.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct PowerReport {
    /// The setting `power.profile`.
    choice: ProfileChoice,
    /// The profile in use, and why.
    profile: PowerProfile,
    reason: ProfileReason,
    limits: LimitsReport,
    /// Whether a power supply is connected.
    mains: Option<bool>,
    /// All batteries together; null without one.
    battery: Option<BatteryReport>,
    /// The hottest sensor.
    temperature: Option<Temperature>,
    /// How often the processor was slowed down because of heat since the machine started.
    throttles: Option<u64>,
    /// What the processor packages take, without screen and USB.
    package_watts: Option<f64>,
    /// How often the machine was suspended since the program started.
    suspensions: u64,
}

/// What the profile allows; null: as configured.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct LimitsReport {
    /// What a camera is asked for.
    width: Option<u32>,
    height: Option<u32>,
    /// Pictures per second that are taken from the source.
    fps: Option<u32>,
    detect_fps: Option<f32>,
    /// Whether frames without motion need no detection.
    motion_gate: bool,
    /// Higher renditions are not offered.
    rendition_height: Option<u32>,
    screen_brightness_percent: Option<u8>,
    screen_fps: Option<u32>,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct BatteryReport {
    names: Vec<String>,
    percent: Option<f64>,
    status: Option<BatteryStatus>,
    /// What it delivers, or takes while it is charged.
    watts: Option<f64>,
    /// The energy that it holds when it is full.
    full_wh: Option<f64>,
    seconds_left: Option<u64>,
    seconds_to_full: Option<u64>,
    /// What is left of the capacity that it had when it was new.
    health_percent: Option<f64>,
    cycles: Option<u32>,
    /// It is being drained and will be empty soon.
    is_low: bool,
}

impl PowerReport {
    pub(crate) fn of(view: &PowerView) -> Self {
        let state = &view.state;
        Self {
            choice: view.choice,
            profile: view.profile,
            reason: view.reason,
            limits: LimitsReport::of(&view.profile.settings()),
            mains: state.mains,
            battery: state
                .battery
                .as_ref()
                .map(|battery| BatteryReport::of(battery, view)),
            temperature: state.hottest.clone(),
            throttles: state.throttles,
            package_watts: view.packages_w.map(tenths),
            suspensions: view.suspensions,
        }
    }
}

impl LimitsReport {
    fn of(settings: &ProfileSettings) -> Self {
        Self {
            width: settings.capture.size_px.map(|(width, _)| width),
            height: settings.capture.size_px.map(|(_, height)| height),
            fps: settings.capture.fps,
            detect_fps: settings.detect_fps_max,
            motion_gate: settings.gates_detection_by_motion,
            rendition_height: settings.rendition_height_max_px,
            screen_brightness_percent: settings.screen_brightness_percent,
            screen_fps: settings.screen_fps_max,
        }
    }
}

impl BatteryReport {
    fn of(battery: &BatteryState, view: &PowerView) -> Self {
        let seconds = |goal| {
            let left = view.left.filter(|(toward, _)| *toward == goal);
            left.map(|(_, left)| left.as_secs())
        };
        let percent = |ratio: f64| tenths(ratio * 100.0);
        Self {
            names: battery.names.clone(),
            percent: battery.level.map(percent),
            status: battery.status,
            watts: battery.rate_w.map(tenths),
            full_wh: battery.full_wh.map(tenths),
            seconds_left: seconds(BatteryGoal::Empty),
            seconds_to_full: seconds(BatteryGoal::Full),
            health_percent: battery.health.map(percent),
            cycles: battery.cycles,
            is_low: view.is_low,
        }
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
