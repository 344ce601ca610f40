//! Parses and writes SDP fragments, the body of a PATCH (`application/trickle-ice-sdpfrag`, RFC 8840 9).

use super::offer::{is_ice_chars, remote_candidate};
use super::text::{Attributes, Credentials, REMOTE_CANDIDATES_MAX, RemoteCandidate};

/// Trickled candidates, or the new credentials of an ICE restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The viewer's user name fragment; one that differs from the offer's asks for an ICE restart.
    pub(crate) ufrag: Option<String>,
    /// Both credentials, if valid (RFC 8839 5.4); a restart needs them.
    pub(crate) credentials: Option<Credentials>,
    /// The media section.
    pub(crate) mid: Option<String>,
    /// The usable candidates; others are ignored silently (RFC 9725 4.3.2).
    pub(crate) candidates: Vec<RemoteCandidate>,
}

impl Fragment {
    /// Parses a fragment. Returns `None` if no line is SDP.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut attributes = Attributes::default();
        let mut any = false;
        for line in text.lines() {
            any |= line.as_bytes().get(1) == Some(&b'=');
            if let Some(value) = line.trim_end().strip_prefix("a=") {
                attributes.push_line(value);
            }
        }
        let legal = |name: &str, min_length| {
            let value = attributes.first(name)?;
            is_ice_chars(value, min_length).then(|| value.to_owned())
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

/// The response to an ICE restart (RFC 9725 4.3.3).
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
