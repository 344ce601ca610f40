//! `--source` as text: parsing and printing. No device is touched here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::sources::KINDS;
use crate::sources::kind::{AddressError, SourceKind};

/// Where pictures come from.
///
/// Text form (command line, TOML, environment): `auto`, `webcam`, `webcam:ID`, a path, `rtsp://…`,
/// `http://…`, `mjpeg:URL`, `y4m:-`, `y4m:PATH`, `scene`. [`fmt::Display`] leaves out the password of
/// a URL because it goes to logs; serde keeps it because it goes to the configuration.
///
/// ```
/// let source: capture::SourceSpec = "rtsp://me:secret@10.0.0.5/stream".parse().unwrap();
/// assert_eq!(source.to_string(), "rtsp://***@10.0.0.5/stream");
/// assert_eq!(source.plain_name(), "camera at 10.0.0.5");
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SourceSpec {
    /// The first working webcam, else the scene.
    #[default]
    Auto,
    /// A camera of this machine.
    Webcam {
        /// Stable id, path, index or a part of the name; `None` is the first that works.
        id: Option<String>,
    },
    /// A video file, paced by its own timestamps.
    File(PathBuf),
    /// Raw pictures from any tool, paced by their writer.
    Y4m(Y4mInput),
    /// The built-in test scene.
    Scene,
    /// Any other kind of the table: RTSP, HTTP, MJPEG over HTTP.
    Addressed {
        kind: &'static SourceKind,
        address: String,
    },
}

/// Where a YUV4MPEG2 stream is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Y4mInput {
    Stdin,
    /// A FIFO or a file.
    Path(PathBuf),
}

/// Why a text is not a source.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SpecError {
    #[error("the source is empty; {}", forms())]
    Empty,
    /// A word that is neither a keyword nor a path.
    #[error("unknown source \"{0}\"; {forms}. For a file of that name write \"./{0}\"", forms = forms())]
    Unknown(String),
    #[error("cannot read \"{0}://\" addresses; known are rtsp://, rtsps://, http://, https://")]
    Scheme(String),
    /// The port is not a number. The address is not shown: it may contain a password.
    #[error(
        "the {0}:// address has no number as its port; in a user or a password, / is written as %2F, \
         ? as %3F, # as %23 and @ as %40"
    )]
    Port(String),
    /// A keyword without a usable address: keyword, what it needs, an example.
    #[error("\"{0}:\" needs {1} after the colon, e.g. {2}")]
    Incomplete(&'static str, &'static str, &'static str),
}

fn forms() -> String {
    let forms: Vec<&str> = KINDS.iter().map(|kind| kind.forms).collect();
    format!("use auto, {}", forms.join(", "))
}

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        match text {
            "" => return Err(SpecError::Empty),
            "auto" => return Ok(Self::Auto),
            "scene" => return Ok(Self::Scene),
            "webcam" => return Ok(Self::Webcam { id: None }),
            _ => {}
        }
        if let Some((scheme, rest)) = text.split_once("://")
            && !scheme.contains(':')
        {
            return from_url(text, scheme, rest);
        }
        if let Some((keyword, rest)) = text.split_once(':')
            && let Some(kind) = KINDS.iter().find(|kind| kind.keyword == Some(keyword))
        {
            return from_keyword(kind, rest.trim());
        }
        if text.starts_with("/dev/video") || text.starts_with("/dev/v4l/") {
            return Ok(Self::Webcam {
                id: Some(text.to_owned()),
            });
        }
        if text.contains(['/', '.']) {
            return Ok(Self::File(PathBuf::from(text)));
        }
        Err(SpecError::Unknown(text.to_owned()))
    }
}

/// A URL without a keyword: the first kind that takes its scheme.
fn from_url(url: &str, scheme: &str, path: &str) -> Result<SourceSpec, SpecError> {
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "file" {
        return Ok(SourceSpec::File(PathBuf::from(path)));
    }
    for kind in KINDS.iter().filter(|kind| kind.keyword.is_none()) {
        match (kind.parse)(url) {
            Ok(address) => return Ok(SourceSpec::from_kind(kind, address)),
            Err(AddressError::Port) => return Err(SpecError::Port(scheme)),
            Err(AddressError::Unsuitable) => {}
        }
    }
    let scheme = url.split_once("://").map_or(url, |(scheme, _)| scheme);
    Err(SpecError::Scheme(scheme.to_owned()))
}

fn from_keyword(kind: &'static SourceKind, rest: &str) -> Result<SourceSpec, SpecError> {
    match (kind.parse)(rest) {
        Ok(address) => Ok(SourceSpec::from_kind(kind, address)),
        Err(AddressError::Port) => {
            let scheme = rest.split_once("://").map_or("", |(scheme, _)| scheme);
            Err(SpecError::Port(scheme.to_ascii_lowercase()))
        }
        Err(AddressError::Unsuitable) => {
            let keyword = kind.keyword.unwrap_or_default();
            Err(SpecError::Incomplete(keyword, kind.needs, kind.example))
        }
    }
}

impl SourceSpec {
    fn from_kind(kind: &'static SourceKind, address: String) -> Self {
        match kind.label {
            "webcam" => Self::Webcam { id: Some(address) },
            "file" => Self::File(address.into()),
            "y4m" if address == "-" => Self::Y4m(Y4mInput::Stdin),
            "y4m" => Self::Y4m(Y4mInput::Path(address.into())),
            "scene" => Self::Scene,
            _ => Self::Addressed { kind, address },
        }
    }

    /// The kind of this source, and its address: empty for `auto`, any webcam and the scene.
    pub(crate) fn kind_and_address(&self) -> (&'static SourceKind, String) {
        let (label, address) = match self {
            Self::Addressed { kind, address } => return (kind, address.clone()),
            Self::Auto => ("webcam", String::new()),
            Self::Webcam { id } => ("webcam", id.clone().unwrap_or_default()),
            Self::File(path) => ("file", path.to_string_lossy().into_owned()),
            Self::Y4m(Y4mInput::Stdin) => ("y4m", "-".to_owned()),
            Self::Y4m(Y4mInput::Path(path)) => ("y4m", path.to_string_lossy().into_owned()),
            Self::Scene => ("scene", String::new()),
        };
        let kind = KINDS.iter().find(|kind| kind.label == label);
        (
            kind.expect("each variant has its kind in the table"),
            address,
        )
    }

    /// The text form with everything in it, passwords too: for the configuration, not for people.
    #[must_use]
    pub fn to_config_text(&self) -> String {
        let (kind, address) = self.kind_and_address();
        match (self, kind.keyword) {
            (Self::Auto, _) => "auto".to_owned(),
            (Self::Scene, _) => "scene".to_owned(),
            (_, Some(keyword)) if address.is_empty() => keyword.to_owned(),
            (_, Some(keyword)) => format!("{keyword}:{address}"),
            (_, None) => address,
        }
    }

    /// A short plain name for the page and the card: no password, no folder.
    #[must_use]
    pub fn plain_name(&self) -> String {
        let (kind, address) = self.kind_and_address();
        (kind.plain_name)(&address)
    }
}

/// A source as text, with the user, the password and the query of a URL replaced by `***`.
fn without_secrets(source: &str) -> String {
    let Some((scheme, rest)) = source.split_once("://") else {
        return source.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => authority.to_owned(),
    };
    // An unescaped `/`, `?` or `#` in a password ends the host: the rest of the password is then in
    // the path.
    let path = match path.split_once('?') {
        _ if path.contains('@') => "/***".to_owned(),
        Some((path, _)) => format!("{path}?***"),
        None => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_config_text();
        match self {
            Self::Addressed { .. } => f.write_str(&without_secrets(&text)),
            _ => f.write_str(&text),
        }
    }
}

impl fmt::Debug for SourceSpec {
    /// Like [`fmt::Display`]: a password must not reach a log through `{:?}` either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceSpec({self})")
    }
}

impl TryFrom<String> for SourceSpec {
    type Error = SpecError;

    fn try_from(text: String) -> Result<Self, SpecError> {
        text.parse()
    }
}

impl From<SourceSpec> for String {
    fn from(spec: SourceSpec) -> Self {
        spec.to_config_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(label: &str, address: &str) -> SourceSpec {
        let kind = KINDS.iter().find(|kind| kind.label == label);
        SourceSpec::Addressed {
            kind: kind.expect("in the table"),
            address: address.to_owned(),
        }
    }

    fn parsed(text: &str) -> SourceSpec {
        text.parse().expect("valid")
    }

    #[test]
    fn every_form_is_parsed_and_survives_the_configuration() {
        let webcam = |id: &str| SourceSpec::Webcam {
            id: Some(id.to_owned()),
        };
        let url = |address: &str| addressed("url", address);
        let mjpeg = |address: &str| addressed("mjpeg", address);
        let cases = [
            ("auto", SourceSpec::Auto),
            (" scene ", SourceSpec::Scene),
            ("webcam", SourceSpec::Webcam { id: None }),
            (
                "webcam:usb-046d_C920-video-index0",
                webcam("usb-046d_C920-video-index0"),
            ),
            ("webcam:platform:vivid-000", webcam("platform:vivid-000")),
            ("webcam:/dev/video2", webcam("/dev/video2")),
            ("/dev/video0", webcam("/dev/video0")),
            ("clip.mp4", SourceSpec::File("clip.mp4".into())),
            ("./noext", SourceSpec::File("./noext".into())),
            ("file:a", SourceSpec::File("a".into())),
            ("file:///tmp/a.mp4", SourceSpec::File("/tmp/a.mp4".into())),
            ("/tmp/10:30.mp4", SourceSpec::File("/tmp/10:30.mp4".into())),
            ("rtsp://u:p@h/s?x=1", url("rtsp://u:p@h/s?x=1")),
            ("mjpeg:http://h:81/s", mjpeg("http://h:81/s")),
            ("y4m:-", SourceSpec::Y4m(Y4mInput::Stdin)),
            ("RTSP://Me:Pw@H/S", url("rtsp://Me:Pw@H/S")),
            ("http://[fe80::1]/", url("http://[fe80::1]/")),
            ("mjpeg:Http://h:81/S", mjpeg("http://h:81/S")),
            ("FILE:///tmp/a.mp4", SourceSpec::File("/tmp/a.mp4".into())),
            (
                "2025-05-01T10:30:00.mp4",
                SourceSpec::File("2025-05-01T10:30:00.mp4".into()),
            ),
            ("http:like.mp4", SourceSpec::File("http:like.mp4".into())),
            (
                "y4m:/tmp/fifo",
                SourceSpec::Y4m(Y4mInput::Path("/tmp/fifo".into())),
            ),
        ];
        for (text, spec) in cases {
            assert_eq!(parsed(text), spec, "{text}");
            assert_eq!(parsed(&spec.to_config_text()), spec, "{text} again");
        }
    }

    #[test]
    fn errors_name_a_form_that_would_work() {
        let fails = |text: &str| text.parse::<SourceSpec>().expect_err(text).to_string();
        assert!(fails("webcm").contains("webcam:ID"), "{}", fails("webcm"));
        assert!(fails("").contains("use auto"));
        assert!(fails("ftp://x/y").contains("rtsp://"));
        assert!(fails("mjpeg:192.168.1.2").contains("mjpeg:http://"));
        assert!(fails("y4m:").contains("y4m:-"));
        assert!(fails("webcam:").contains("webcam:0"));
    }

    #[test]
    fn passwords_are_never_displayed() {
        for text in [
            "rtsp://me:se:cr@et@10.0.0.5:554/s?token=secret",
            "mjpeg:http://a:secret@h/",
            "http://a:1/secret@h/",
            "http://h/?user=a&password=secret@2",
        ] {
            let spec = parsed(text);
            for shown in [spec.to_string(), format!("{spec:?}"), spec.plain_name()] {
                assert!(
                    !shown.contains("secret") && !shown.contains("se:cr"),
                    "{shown}"
                );
            }
        }
        for text in ["rtsp://me:sec/ret@h/", "mjpeg:http://me:sec#ret@h:80/"] {
            let error = text
                .parse::<SourceSpec>()
                .expect_err("part of a password as port");
            let shown = error.to_string();
            assert!(shown.contains("%2F") && !shown.contains("sec"), "{shown}");
        }
        assert_eq!(
            parsed("rtsp://a:b@10.0.0.5:554/s").plain_name(),
            "camera at 10.0.0.5:554"
        );
    }

    #[test]
    fn kinds_have_distinct_labels_and_working_examples() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..index].iter().all(|other| other.label != kind.label));
            assert_eq!(parsed(kind.example).kind_and_address().0, *kind);
        }
    }
}
