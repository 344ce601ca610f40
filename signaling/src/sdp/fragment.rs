//! The body of a trickle PATCH (`application/trickle-ice-sdpfrag`, RFC 8840 9).

use super::offer::remote_candidate;
use super::text::Attributes;
use super::{REMOTE_CANDIDATES_MAX, RemoteCandidate};

/// Candidates that came after the offer, or new credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The viewer's user name fragment: another one than in its offer asks for an ICE restart.
    pub(crate) ufrag: Option<String>,
    /// What of it we can use; the rest is discarded without a word, as RFC 9725 4.3.2 wants it.
    pub(crate) candidates: Vec<RemoteCandidate>,
}

impl Fragment {
    /// Reads a fragment. `None` when no line of it is SDP.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut attributes = Attributes::default();
        let mut any = false;
        for line in text.lines() {
            any |= line.as_bytes().get(1) == Some(&b'=');
            if let Some(value) = line.trim_end().strip_prefix("a=") {
                attributes.push_line(value);
            }
        }
        any.then(|| Self {
            ufrag: attributes.first("ice-ufrag").map(str::to_owned),
            candidates: attributes
                .all("candidate")
                .filter_map(remote_candidate)
                .take(REMOTE_CANDIDATES_MAX)
                .collect(),
        })
    }
}
