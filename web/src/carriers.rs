//! Other carriers at the event: what the station adds to the crate `mesh`.
//!
//! In: who is in the picture, and results of games. Out: who else is here, and the scores of all. Without the feature
//! `mesh` the station knows no others, and says so.

// Tests compile it with the feature, too: it must have all that the other one has.
#[cfg(any(test, not(feature = "mesh")))]
#[cfg_attr(feature = "mesh", allow(dead_code, reason = "the other one is used"))]
mod absent;
#[cfg(feature = "mesh")]
mod code_reader;
#[cfg(feature = "mesh")]
mod following;
#[cfg(feature = "mesh")]
mod pictures;
#[cfg(feature = "mesh")]
mod present;
pub(crate) mod report;
#[cfg(feature = "mesh")]
mod thumbnails;

#[cfg(not(feature = "mesh"))]
pub(crate) use self::absent::{Carriers, read_link};
#[cfg(feature = "mesh")]
pub(crate) use self::code_reader::read_link;
#[cfg(feature = "mesh")]
pub(crate) use self::following::follow;
#[cfg(feature = "mesh")]
pub(crate) use self::present::Carriers;

use play::{GameKind, Nickname, SharedRound};

/// A score of another carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "mesh"),
    allow(dead_code, reason = "there are no others")
)]
pub(crate) struct CarrierScore {
    pub(crate) game: GameKind,
    pub(crate) nickname: Nickname,
    pub(crate) score: u32,
    /// The carrier's name.
    pub(crate) carrier: String,
}

/// A picture of another carrier that the gallery may show now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "mesh"),
    allow(dead_code, reason = "there are no others")
)]
pub(crate) struct CarrierPicture {
    /// Names it.
    pub(crate) hash: String,
    /// The carrier's name.
    pub(crate) carrier: String,
    /// The id of its style.
    pub(crate) style: String,
    pub(crate) expires_in_ms: u64,
}

/// What other carriers mean for the games here.
#[derive(Debug, Default)]
#[cfg_attr(
    not(feature = "mesh"),
    allow(dead_code, reason = "there are no others")
)]
pub(crate) struct FromCarriers {
    pub(crate) scores: Vec<CarrierScore>,
    /// How many can play with this station.
    pub(crate) partners: usize,
    pub(crate) round: Option<SharedRound>,
}

/// Why something about other carriers cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    not(feature = "mesh"),
    allow(dead_code, reason = "nothing else can fail")
)]
pub(crate) enum CarriersError {
    #[error("{0}")]
    Unavailable(&'static str),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    NotReached(String),
    #[error("{0}")]
    Refused(String),
}
