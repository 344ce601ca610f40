//! The body of a PATCH (`application/trickle-ice-sdpfrag`, RFC 8840 9).

use super::offer::{is_ice_chars, remote_candidate};
use super::text::{Attributes, Credentials, REMOTE_CANDIDATES_MAX, RemoteCandidate};

/// Candidates that came after the offer, or new credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The viewer's user name fragment: another one than in its offer asks for an ICE restart.
    pub(crate) ufrag: Option<String>,
    /// What a restart needs: both halves, as RFC 8839 5.4 allows them.
    pub(crate) credentials: Option<Credentials>,
    /// The section it is about.
    pub(crate) mid: Option<String>,
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
        let legal = |name: &str, least| {
            let value = attributes.first(name)?;
            is_ice_chars(value, least).then(|| value.to_owned())
        };
        let credentials = match (legal("ice-ufrag", 4), legal("ice-pwd", 22)) {
            (Some(ufrag), Some(pwd)) => Some(Credentials { ufrag, pwd }),
            _ => None,
        };
        let is_token = |mid: &&str| mid.len() <= 32 && mid.bytes().all(|b| b.is_ascii_graphic());
        any.then(|| Self {
            ufrag: attributes.first("ice-ufrag").map(str::to_owned),
            credentials,
            mid: attributes.first("mid").filter(is_token).map(str::to_owned),
            candidates: attributes
                .all("candidate")
                .filter_map(remote_candidate)
                .take(REMOTE_CANDIDATES_MAX)
                .collect(),
        })
    }
}

/// What an ICE restart is answered with (RFC 9725 4.3.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct RestartAnswer<'a> {
    pub(crate) mid: Option<&'a str>,
    pub(crate) credentials: &'a Credentials,
    pub(crate) candidates: &'a [String],
}

impl RestartAnswer<'_> {
    pub(crate) fn text(&self) -> String {
        let Credentials { ufrag, pwd } = self.credentials;
        let mut lines = vec![
            "a=ice-options:trickle".to_owned(),
            "m=video 9 UDP/TLS/RTP/SAVPF 0".to_owned(),
        ];
        lines.extend(self.mid.map(|mid| format!("a=mid:{mid}")));
        lines.push(format!("a=ice-ufrag:{ufrag}"));
        lines.push(format!("a=ice-pwd:{pwd}"));
        lines.extend(self.candidates.iter().map(|line| format!("a={line}")));
        lines.push("a=end-of-candidates".to_owned());
        lines.join("\r\n") + "\r\n"
    }
}
