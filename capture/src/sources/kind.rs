//! What a kind of source consists of, and helpers for addresses that are paths or URLs.

use std::fmt;
use std::path::Path;

use super::camera::{CameraChoice, Wanted};
use super::output::SourceOutput;
use super::stall::StallLimits;
use crate::error::CaptureError;
use crate::frame::WallClock;

/// One kind of source: how its address is written, how long it may be silent, how it is read.
pub struct SourceKind {
    /// The value of the metrics' label `source`, also part of the thread's name.
    pub(crate) label: &'static str,
    /// The word before the colon in `--source KEYWORD:ADDRESS`. `None` for a kind that is recognised
    /// by its address alone, such as `rtsp://…`.
    pub(crate) keyword: Option<&'static str>,
    /// How to write it, for the message about an unknown source.
    pub(crate) forms: &'static str,
    /// What has to follow the colon, for the message about an incomplete source.
    pub(crate) needs: &'static str,
    /// A complete source, for the same message.
    pub(crate) example: &'static str,
    /// Checks and normalises what follows the colon.
    pub(crate) parse: fn(&str) -> Result<String, AddressError>,
    /// The source in words that a visitor understands: no password, no folder.
    pub(crate) plain_name: fn(&str) -> String,
    /// How long the source may be silent.
    pub(crate) limits: StallLimits,
    /// Opens the source and reads it until it ends, fails, or is no longer wanted
    /// ([`SourceOutput::is_wanted`]). Blocks.
    pub(crate) run: fn(&Request, &mut SourceOutput) -> Result<(), CaptureError>,
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceKind({})", self.label)
    }
}

impl PartialEq for SourceKind {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label
    }
}

impl Eq for SourceKind {}

/// What a source is asked to open. Each kind uses the fields that concern it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What [`SourceKind::parse`] returned.
    pub(crate) address: String,
    /// What [`SourceKind::plain_name`] returned.
    pub(crate) name: String,
    pub(crate) camera: CameraChoice,
    pub(crate) wanted: Wanted,
    /// Whether a file starts again at its end.
    pub(crate) loop_file: bool,
    /// For the timecode of the scene.
    pub(crate) clock: WallClock,
}

/// Why a text is not an address of a kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// Missing, or not what the kind needs.
    Unsuitable,
    /// A URL whose port is not a number.
    Port,
}

/// Takes any address but none.
pub(crate) fn not_empty(address: &str) -> Result<String, AddressError> {
    match address {
        "" => Err(AddressError::Unsuitable),
        address => Ok(address.to_owned()),
    }
}

/// Takes an `http://` or `https://` URL.
pub(crate) fn http_address(url: &str) -> Result<String, AddressError> {
    let is_http = url.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    if is_http {
        url_address(url)
    } else {
        Err(AddressError::Unsuitable)
    }
}

/// Takes a URL and writes its scheme in lower case, because FFmpeg compares schemes by case
/// (RFC 3986, 3.1, does not).
pub(crate) fn url_address(url: &str) -> Result<String, AddressError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = host_of(url);
    // An unescaped `/`, `?` or `#` in a password ends the authority there: what is left of the
    // password then stands where the port should be.
    let port = host.rsplit_once(':').map(|(_, port)| port);
    let is_port = |port: &str| host.ends_with(']') || port.parse::<u16>().is_ok();
    if !port.is_none_or(|port| port.is_empty() || is_port(port)) {
        return Err(AddressError::Port);
    }
    Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()))
}

/// Host and port of a URL, without user, password, path and query.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> String {
    let path = Path::new(path);
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
