//! What is told of other carriers, as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::MeshConfig;

/// GET `/api/carriers`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CarriersReport {
    /// Whether this program can have other carriers at all.
    pub(crate) is_built_in: bool,
    /// `[mesh] enabled`
    pub(crate) enabled: bool,
    pub(crate) event: String,
    /// This carrier's key; `null`: it is not running.
    pub(crate) id: Option<String>,
    /// Where this carrier is reached.
    pub(crate) addresses: Vec<String>,
    /// Why it is not running.
    pub(crate) failure: Option<String>,
    /// The code that is shown for another carrier; `null`: none.
    pub(crate) code: Option<CodeReport>,
    pub(crate) carriers: Vec<CarrierReport>,
}

impl CarriersReport {
    /// Without anything running.
    pub(crate) fn without(config: &MeshConfig) -> Self {
        Self {
            is_built_in: cfg!(feature = "mesh"),
            enabled: config.enabled,
            event: config.event.clone(),
            id: None,
            addresses: Vec::new(),
            failure: None,
            code: None,
            carriers: Vec::new(),
        }
    }
}

/// One paired carrier.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CarrierReport {
    pub(crate) id: String,
    pub(crate) name: String,
    /// connected, through_others or away
    pub(crate) state: &'static str,
    pub(crate) round_trip_ms: Option<u64>,
    /// Its clock minus this one's.
    pub(crate) clock_offset_ms: Option<i64>,
    /// When it was heard of last; `null`: not since the start.
    pub(crate) heard_s_ago: Option<u64>,
    /// Persons in its picture.
    pub(crate) persons: Option<u16>,
    pub(crate) viewers: Option<u16>,
    pub(crate) is_shutter_closed: Option<bool>,
    /// How much it has shared.
    pub(crate) records: u32,
}

/// A code for the owner of another carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct CodeReport {
    /// To be typed there.
    pub(crate) words: String,
    /// The same with this carrier's key and addresses, for a network without multicast.
    pub(crate) link: String,
    pub(crate) expires_in_s: u64,
}

/// A carrier that is paired now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct PairedReport {
    pub(crate) id: String,
    pub(crate) name: String,
}
