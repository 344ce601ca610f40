//! What is told of the station: one type for server-sent events, the webhook and MQTT. Pure.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::power::PowerProfile;
use crate::shutter::{Cause, ShutterState, rfc3339};

/// A change of the station's state, or the whole state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StationEvent {
    /// Unique over restarts of the program; `Last-Event-ID` continues after it.
    pub(crate) id: String,
    /// RFC 3339.
    pub(crate) time: String,
    #[serde(flatten)]
    pub(crate) detail: EventDetail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum EventDetail {
    /// Everything: the first event of each listener, and the next one after it missed some.
    State(StationSummary),
    Shutter(ShutterSummary),
    Privacy {
        mode: String,
    },
    Power(PowerSummary),
    Source(SourceSummary),
    Viewers {
        count: usize,
    },
    /// The URL at which visitors find the pages.
    Address {
        url: String,
    },
    /// More objects of a class than before.
    Appeared(ClassCount),
    /// Fewer objects of a class than before.
    Left(ClassCount),
    /// An object has been in a zone for as long as `dwell_s` of the zone says.
    Dwell {
        zone: String,
        class: String,
        seconds: u32,
        /// Its number in `/api/tracks`.
        track: u64,
    },
}

impl EventDetail {
    /// `type` in JSON, and the name of the server-sent event.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::State(_) => "state",
            Self::Shutter(_) => "shutter",
            Self::Privacy { .. } => "privacy",
            Self::Power(_) => "power",
            Self::Source(_) => "source",
            Self::Viewers { .. } => "viewers",
            Self::Address { .. } => "address",
            Self::Appeared(_) => "appeared",
            Self::Left(_) => "left",
            Self::Dwell { .. } => "dwell",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StationSummary {
    pub(crate) shutter: ShutterSummary,
    /// The privacy mode.
    pub(crate) privacy: String,
    pub(crate) power: PowerSummary,
    pub(crate) source: SourceSummary,
    pub(crate) viewers: usize,
    /// The URL at which visitors find the pages.
    pub(crate) address: String,
    /// The number of objects of each class that is in the picture.
    pub(crate) classes: BTreeMap<String, usize>,
    /// The same for each of the owner's named zones.
    pub(crate) zones: BTreeMap<String, BTreeMap<String, usize>>,
}

/// How many objects of a class there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ClassCount {
    pub(crate) class: String,
    pub(crate) count: usize,
    /// The zone that they are in; absent: the whole picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct PowerSummary {
    pub(crate) profile: PowerProfile,
    /// The battery is being drained and will be empty soon.
    pub(crate) battery_low: bool,
}

/// The shutter, without the person: that is for the owner alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ShutterSummary {
    pub(crate) closed: bool,
    pub(crate) by: Cause,
    pub(crate) reason: Option<String>,
    /// RFC 3339.
    pub(crate) since: String,
}

impl From<ShutterState> for ShutterSummary {
    fn from(state: ShutterState) -> Self {
        Self {
            closed: state.closed,
            by: state.by,
            reason: state.reason,
            since: rfc3339(state.since_unix_ms),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SourceSummary {
    pub(crate) state: SourceState,
    /// In plain words, without paths of the station's machine.
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SourceState {
    Opening,
    Live,
    Lost,
    Closed,
}
