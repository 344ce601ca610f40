//! What `--source` means: parsing and printing, no device is touched here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where pictures come from.
///
/// Text form (command line, TOML, environment): `auto`, `webcam`, `webcam:ID`, a path, `rtsp://…`,
/// `http://…`, `mjpeg:URL`, `y4m:-`, `y4m:PATH`, `scene`. [`fmt::Display`] leaves out the password of
/// a URL, since it goes to logs; serde keeps it, since it goes to the configuration.
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
    /// RTSP or HTTP, through OpenCV.
    Url(String),
    /// `multipart/x-mixed-replace` over HTTP, the way of many network cameras.
    MjpegUrl(String),
    /// Raw pictures from any tool, paced by its writer.
    Y4m(Y4mInput),
    /// The built-in test scene.
    Scene,
}

/// Where a YUV4MPEG2 stream is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Y4mInput {
    /// Standard input.
    Stdin,
    /// A FIFO or a file.
    Path(PathBuf),
}

/// Why a text names no source.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SpecError {
    /// Nothing at all.
    #[error("the source is empty; {FORMS}")]
    Empty,
    /// A word that is no keyword and no path.
    #[error("unknown source \"{0}\"; {FORMS}. For a file of that name write \"./{0}\"")]
    Unknown(String),
    /// A URL of a kind that is not read.
    #[error("cannot read \"{0}://\" addresses; known are rtsp://, rtsps://, http://, https://")]
    Scheme(String),
    /// Behind the host's colon stands no number. The address is not shown: it may hold a password.
    #[error(
        "the {0}:// address has no number as its port; in a user or a password, / is written as %2F, \
         ? as %3F, # as %23 and @ as %40"
    )]
    Port(String),
    /// A keyword that needs something after its colon.
    #[error("\"{0}\" needs {1} after the colon, e.g. {2}")]
    Incomplete(&'static str, &'static str, &'static str),
}

const FORMS: &str = "use auto, scene, webcam, webcam:ID (see `carrier devices`), a video file, \
    an rtsp:// or http:// address, mjpeg:http://…, y4m:- or y4m:PATH";

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
        if let Some((scheme, _)) = text.split_once("://")
            && !scheme.contains(':')
        {
            return match scheme.to_ascii_lowercase().as_str() {
                "rtsp" | "rtsps" | "http" | "https" => Ok(Self::Url(address(text)?)),
                "file" => Ok(Self::File(PathBuf::from(&text["file://".len()..]))),
                _ => Err(SpecError::Scheme(scheme.to_owned())),
            };
        }
        if let Some((keyword, rest)) = text.split_once(':')
            && let Some(spec) = keyword_spec(keyword, rest.trim())
        {
            return spec;
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

fn keyword_spec(keyword: &str, rest: &str) -> Option<Result<SourceSpec, SpecError>> {
    let spec = match (keyword, rest) {
        ("webcam", "") => Err(SpecError::Incomplete("webcam:", "a camera", "webcam:0")),
        ("webcam", id) => Ok(SourceSpec::Webcam {
            id: Some(id.to_owned()),
        }),
        ("file", "") => Err(SpecError::Incomplete("file:", "a path", "file:clip.mp4")),
        ("file", path) => Ok(SourceSpec::File(PathBuf::from(path))),
        ("y4m", "-") => Ok(SourceSpec::Y4m(Y4mInput::Stdin)),
        ("y4m", "") => Err(SpecError::Incomplete("y4m:", "- or a path", "y4m:-")),
        ("y4m", path) => Ok(SourceSpec::Y4m(Y4mInput::Path(PathBuf::from(path)))),
        ("mjpeg", url) if is_http(url) => address(url).map(SourceSpec::MjpegUrl),
        ("mjpeg", _) => Err(SpecError::Incomplete(
            "mjpeg:",
            "an http:// or https:// address",
            "mjpeg:http://192.168.1.20/stream",
        )),
        _ => return None,
    };
    Some(spec)
}

fn is_http(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

/// The address with its scheme in small letters: FFmpeg knows no others (RFC 3986, 3.1, does).
fn address(url: &str) -> Result<String, SpecError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // A sign in a password that ends the authority leaves the password's first half as the port.
    let port = host.rsplit_once(':').map(|(_, port)| port);
    let is_address = port.is_none_or(|port| host.ends_with(']') || port.parse::<u16>().is_ok());
    if !is_address && !port.unwrap_or_default().is_empty() {
        return Err(SpecError::Port(scheme.to_ascii_lowercase()));
    }
    Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()))
}

impl SourceSpec {
    /// The text form with everything in it, passwords too: for configuration, not for people.
    #[must_use]
    pub fn to_config_text(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::MjpegUrl(url) => format!("mjpeg:{url}"),
            other => other.to_string(),
        }
    }

    /// A short plain name for the page and the card: no password, no folder.
    #[must_use]
    pub fn plain_name(&self) -> String {
        match self {
            Self::Auto | Self::Webcam { id: None } => "camera".to_owned(),
            Self::Webcam { id: Some(id) } => format!("camera {id}"),
            Self::File(path) => format!("video {}", file_name(path)),
            Self::Url(url) | Self::MjpegUrl(url) => format!("camera at {}", host_of(url)),
            Self::Y4m(Y4mInput::Stdin) => "pipe".to_owned(),
            Self::Y4m(Y4mInput::Path(path)) => format!("pipe {}", file_name(path)),
            Self::Scene => "test scene".to_owned(),
        }
    }

    /// The kind, as a metric label.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Auto | Self::Webcam { .. } => "webcam",
            Self::File(_) => "file",
            Self::Url(_) => "url",
            Self::MjpegUrl(_) => "mjpeg",
            Self::Y4m(_) => "y4m",
            Self::Scene => "scene",
        }
    }
}

/// Host and port of a URL, without user, password, path and query.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// The URL with its password and query values starred out.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => authority.to_owned(),
    };
    // A sign that ends the host, unescaped in a password, leaves the password's end in the path.
    let path = match path.split_once('?') {
        _ if path.contains('@') => "/***".to_owned(),
        Some((path, _)) => format!("{path}?***"),
        None => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Scene => f.write_str("scene"),
            Self::Webcam { id: None } => f.write_str("webcam"),
            Self::Webcam { id: Some(id) } => write!(f, "webcam:{id}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Url(url) => f.write_str(&without_secrets(url)),
            Self::MjpegUrl(url) => write!(f, "mjpeg:{}", without_secrets(url)),
            Self::Y4m(Y4mInput::Stdin) => f.write_str("y4m:-"),
            Self::Y4m(Y4mInput::Path(path)) => write!(f, "y4m:{}", path.display()),
        }
    }
}

impl fmt::Debug for SourceSpec {
    /// As [`fmt::Display`]: a password must not reach a log through `{:?}` either.
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

    fn parsed(text: &str) -> SourceSpec {
        text.parse().expect("valid")
    }

    #[test]
    fn every_form_is_understood_and_survives_the_configuration() {
        let webcam = |id: &str| SourceSpec::Webcam {
            id: Some(id.to_owned()),
        };
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
            (
                "rtsp://u:p@h/s?x=1",
                SourceSpec::Url("rtsp://u:p@h/s?x=1".into()),
            ),
            (
                "mjpeg:http://h:81/s",
                SourceSpec::MjpegUrl("http://h:81/s".into()),
            ),
            ("y4m:-", SourceSpec::Y4m(Y4mInput::Stdin)),
            (
                "RTSP://Me:Pw@H/S",
                SourceSpec::Url("rtsp://Me:Pw@H/S".into()),
            ),
            (
                "http://[fe80::1]/",
                SourceSpec::Url("http://[fe80::1]/".into()),
            ),
            (
                "mjpeg:Http://h:81/S",
                SourceSpec::MjpegUrl("http://h:81/S".into()),
            ),
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
    fn a_mistake_is_answered_with_what_would_work() {
        let fails = |text: &str| text.parse::<SourceSpec>().expect_err(text).to_string();
        assert!(fails("webcm").contains("webcam:ID"), "{}", fails("webcm"));
        assert!(fails("").contains("use auto"));
        assert!(fails("ftp://x/y").contains("rtsp://"));
        assert!(fails("mjpeg:192.168.1.2").contains("mjpeg:http://"));
        assert!(fails("y4m:").contains("y4m:-"));
        assert!(fails("webcam:").contains("webcam:0"));
    }

    #[test]
    fn passwords_reach_neither_people_nor_logs() {
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
                .expect_err("half a password as port");
            let shown = error.to_string();
            assert!(shown.contains("%2F") && !shown.contains("sec"), "{shown}");
        }
        assert_eq!(
            parsed("rtsp://a:b@10.0.0.5:554/s").plain_name(),
            "camera at 10.0.0.5:554"
        );
    }
}
