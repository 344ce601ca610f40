//! Splits SDP text (RFC 8866) into the session part and the media sections.

use std::net::SocketAddr;

/// Maximum sections of an offer; browsers send one to four.
const SECTIONS_MAX: usize = 32;
/// Maximum remote candidates per session; each is an address that checks are sent to.
pub(crate) const REMOTE_CANDIDATES_MAX: usize = 16;

/// Why an offer cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpError {
    /// The text is not SDP, or lacks what WebRTC requires.
    #[error("the offer is not usable SDP: {0}")]
    Malformed(String),
    /// There is no video section.
    #[error("the offer has no video section: add a video transceiver with direction recvonly")]
    NoVideo,
    /// No video section receives.
    #[error(
        "the offer does not want to receive video: the video section must be recvonly or sendrecv"
    )]
    NotReceiving,
    /// Only H.264 with packetisation mode 1 is sent.
    #[error(
        "the offer has no H.264 with packetization-mode=1, the only video sent here; it has {0}"
    )]
    NoH264(String),
    /// A publisher's offer has no video section.
    #[error("the offer has no video section: add a video track with direction sendonly")]
    NoPublishedVideo,
    /// A publisher's offer has no video section that sends.
    #[error("the offer does not send video: the video section must be sendonly or sendrecv")]
    NotSending,
    /// Only H.264 with packetisation mode 1 is decoded.
    #[error(
        "the offer has no H.264 with packetization-mode=1, the only video taken here; it has {0}. \
         Choose H.264 in the program that publishes"
    )]
    NoPublishedH264(String),
    /// RTCP must share the RTP port.
    #[error("the offer lacks a=rtcp-mux, and RTCP has no port of its own here")]
    NoRtcpMux,
    /// Only SHA-256 is supported.
    #[error("the offer's certificate fingerprint must be sha-256, not {0}")]
    Fingerprint(String),
}

impl SdpError {
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }

    /// Whether the text is malformed (HTTP 400), as opposed to unsupported (422).
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed(_))
    }
}

/// A remote candidate that checks can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteCandidate {
    pub(crate) addr: SocketAddr,
    pub(crate) priority: u32,
}

/// The ICE user name fragment and password of one side (RFC 8445 5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

/// The attributes of the session or of a section, in order: names and values of the `a=` lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(other, _)| other == name);
        named.map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    pub(super) fn push_line(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        self.0.push((name, value));
    }
}

/// A media section: the `m=` line and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaText {
    pub(super) kind: String,
    pub(super) port: String,
    pub(super) proto: String,
    pub(super) formats: Vec<String>,
    pub(super) attributes: Attributes,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SessionText {
    pub(super) attributes: Attributes,
    pub(super) media: Vec<MediaText>,
    /// Size of the text.
    pub(super) bytes: usize,
}

impl SessionText {
    /// All attributes: those of the section `first` before those of the other sections and of the session.
    pub(super) fn attributes_from(&self, first: usize) -> impl Iterator<Item = &Attributes> {
        let sections = self.media.get(first).into_iter().chain(&self.media);
        sections
            .map(|media| &media.attributes)
            .chain([&self.attributes])
    }

    /// Splits the text. Unknown line types are skipped; a line that is not SDP is an error.
    pub(super) fn parse(text: &str) -> Result<Self, SdpError> {
        let mut session = Self {
            bytes: text.len(),
            ..Self::default()
        };
        let mut lines = text.lines().map(str::trim_end).enumerate();
        match lines.next() {
            Some((_, "v=0")) => {}
            _ => return Err(SdpError::malformed("it must begin with v=0")),
        }
        for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
            // RFC 8866 9 forbids NUL and lone CR. Some values are echoed in the answer, where a CR could
            // inject lines.
            let wrong = |what| SdpError::malformed(format!("line {} {what}", index + 1));
            if line.contains(|character: char| character.is_control() && character != '\t') {
                return Err(wrong("has a control character"));
            }
            let parts = line.split_once('=').filter(|(kind, _)| kind.len() == 1);
            let (kind, value) = parts.ok_or_else(|| wrong("is not TYPE=VALUE"))?;
            match kind {
                "m" if session.media.len() >= SECTIONS_MAX => {
                    let what = format!("more than {SECTIONS_MAX} sections");
                    return Err(SdpError::Malformed(what));
                }
                "m" => {
                    let media = media_line(value);
                    let media = media.ok_or_else(|| wrong("is not m=KIND PORT PROTO FORMATS"))?;
                    session.media.push(media);
                }
                "a" => match session.media.last_mut() {
                    Some(media) => media.attributes.push_line(value),
                    None => session.attributes.push_line(value),
                },
                _ => {}
            }
        }
        Ok(session)
    }
}

fn media_line(value: &str) -> Option<MediaText> {
    let mut words = value.split_ascii_whitespace().map(str::to_owned);
    Some(MediaText {
        kind: words.next()?,
        port: words.next()?,
        proto: words.next()?,
        formats: words.collect(),
        attributes: Attributes::default(),
    })
}
