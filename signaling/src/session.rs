//! Requests about a running session of WHEP or WHIP, and why one is refused.

use std::net::IpAddr;
use std::sync::Arc;

use crate::ice::{CheckNames, Credentials};
use crate::networks::Network;
use crate::sdp::RemoteCandidate;

/// Candidates that came after the offer.
pub(crate) struct Trickle {
    pub(crate) id: String,
    /// What `If-Match` allows; `None`: whatever is there.
    pub(crate) tag: Option<String>,
    /// Whose candidates these are; `None`: not told.
    pub(crate) ufrag: Option<String>,
    pub(crate) candidates: Vec<RemoteCandidate>,
}

/// New credentials of a session, and where it can be reached now.
pub(crate) struct Restart {
    pub(crate) id: String,
    /// As in [`Trickle`].
    pub(crate) tag: Option<String>,
    pub(crate) names: Arc<CheckNames>,
    pub(crate) remote: Credentials,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) networks: Vec<Network>,
    pub(crate) candidates: Vec<RemoteCandidate>,
    /// The length of the request.
    pub(crate) brought_bytes: usize,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no place: as many viewers as allowed, or somebody who publishes already.
    Full,
    /// No such session.
    Unknown,
    /// It asks for an ICE restart.
    Restart,
    /// Its tag is another session state's.
    WrongTag,
}

/// The names are those of the offer and answer, or of the newest restart; ours is the session's tag.
impl CheckNames {
    /// Whether a request with this tag is about the session as it is now.
    pub(crate) fn fit_tag(&self, tag: Option<&str>) -> Result<(), Refused> {
        match tag {
            Some(tag) if tag != self.local.ufrag => Err(Refused::WrongTag),
            _ => Ok(()),
        }
    }

    /// Whether candidates are of the credentials that are known.
    pub(crate) fn fit(&self, trickle: &Trickle) -> Result<(), Refused> {
        self.fit_tag(trickle.tag.as_deref())?;
        match &trickle.ufrag {
            Some(ufrag) if *ufrag != self.remote => Err(Refused::Restart),
            _ => Ok(()),
        }
    }
}
