//! The configuration of a ComfyUI server: address, headers, certificates and timeouts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use capture::Threads;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use ureq::http::{HeaderName, HeaderValue, header};
use url::Url;

/// A ComfyUI server as configured.
#[derive(Clone, Default)]
pub struct ComfyuiSettings {
    /// `http` or `https`, with a base path behind a proxy, and with `?token=...` for servers that expect it
    /// there.
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<String>,
    pub headers: BTreeMap<String, String>,
    /// PEM file of the certificate authority, instead of the public ones.
    pub ca: Option<PathBuf>,
    pub timeouts: Timeouts,
    /// Where the survey thread is registered for supervision.
    pub threads: Threads,
}

/// What is wrong with the settings. Never contains a secret.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The URL is not usable.
    #[error("the address of ComfyUI: {0}")]
    Url(String),
    /// The token cannot be sent in a header.
    #[error(
        "the token for ComfyUI cannot be sent in a header: printable characters without spaces only"
    )]
    Token,
    /// A header is not allowed or not valid.
    #[error("the header `{name}` for ComfyUI: {why}")]
    Header { name: String, why: &'static str },
    /// The certificate file cannot be read.
    #[error("the authority of ComfyUI's certificate, {}: {why}", path.display())]
    Ca { path: PathBuf, why: String },
    /// No thread could be started.
    #[error("no thread for ComfyUI: {0}")]
    Thread(std::io::Error),
}

/// Validated settings.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// With the configured path and query.
    base: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty: the public authorities.
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) timeouts: Timeouts,
}

/// Headers that belong to the connection, or that make the server refuse (it compares `Origin` with the
/// host).
const RESERVED_HEADERS: [HeaderName; 5] = [
    header::ORIGIN,
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::UPGRADE,
];

impl Endpoint {
    pub(super) fn new(settings: &ComfyuiSettings) -> Result<Self, SettingsError> {
        let base = base(&settings.url)?;
        let mut headers = Vec::new();
        if let Some(token) = &settings.token {
            let visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let value = value.ok().filter(|_| visible).ok_or(SettingsError::Token)?;
            headers.push((header::AUTHORIZATION, value));
        }
        for (name, value) in &settings.headers {
            headers.push(own_header(name, value)?);
        }
        let authorities = match &settings.ca {
            Some(path) => authorities(path).map_err(|why| SettingsError::Ca {
                path: path.clone(),
                why,
            })?,
            None => Vec::new(),
        };
        Ok(Self {
            base,
            headers,
            authorities,
            timeouts: settings.timeouts.clone(),
        })
    }

    /// The URL of a route: escapes the segments and keeps the configured query.
    pub(super) fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The URL of the WebSocket.
    pub(super) fn socket_url(&self, client_id: &str) -> Url {
        let mut url = self.url(&["ws"], &[("clientId", client_id)]);
        let scheme = if self.is_tls() { "wss" } else { "ws" };
        // Cannot fail between special schemes.
        let _ = url.set_scheme(scheme);
        url
    }

    pub(super) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Host name or address, without brackets.
    pub(super) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        host.trim_matches(['[', ']']).to_owned()
    }

    pub(super) fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(80)
    }

    /// The URL without its query, which may contain a token.
    pub(super) fn shown(&self) -> String {
        let mut url = self.base.clone();
        url.set_query(None);
        url.to_string()
    }
}

impl ComfyuiSettings {
    /// Validates the settings without contacting the server.
    pub fn check(&self) -> Result<(), SettingsError> {
        Endpoint::new(self).map(|_| ())
    }
}

impl fmt::Debug for ComfyuiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComfyuiSettings")
            .field("token", &self.token.is_some())
            .field("headers", &self.headers.len())
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

fn base(text: &str) -> Result<Url, SettingsError> {
    let wrong = |why: &str| SettingsError::Url(why.to_owned());
    let example = "it looks like http://host:8188";
    let mut url = Url::parse(text).map_err(|error| wrong(&format!("{error}; {example}")))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(&format!(
            "http or https, a host and a port: {example}"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "no user and password in it: use the token, or a header",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

fn own_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), SettingsError> {
    let wrong = |why| SettingsError::Header {
        name: name.to_owned(),
        why,
    };
    let header =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("not the name of one"))?;
    if RESERVED_HEADERS.contains(&header) {
        return Err(wrong("ComfyUI would refuse requests with it"));
    }
    let value = HeaderValue::from_str(value);
    let value = value.map_err(|_| wrong("its value has control characters"))?;
    Ok((header, value))
}

fn authorities(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let found: Result<Vec<_>, _> = read.collect();
    let found = found.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("there is no certificate in it (PEM)".to_owned());
    }
    Ok(found)
}

/// All timeouts and intervals of the client. The defaults fit a server in the same network.
#[derive(Debug, Clone)]
pub struct Timeouts {
    pub connect: Duration,
    /// For a small answer. Python answers late while models load.
    pub call: Duration,
    pub upload: Duration,
    pub download: Duration,
    /// Between two polls of queue and history.
    pub poll: Duration,
    /// Between two polls after the server reported the end, because the history entry follows later.
    pub poll_finished: Duration,
    /// Between our pings; the server sends none.
    pub ping: Duration,
    /// A socket without any message for this long is dead.
    pub silence: Duration,
    /// Between two attempts to open a WebSocket.
    pub reconnect: Duration,
    /// A server that answers nothing for this long is unavailable.
    pub unavailable: Duration,
    /// How long an order without an answer may still be on its way.
    pub unconfirmed: Duration,
    /// Maximum time behind other orders in the server's queue.
    pub queue_max: Duration,
    /// Maximum time of a running order without a step or a new node.
    pub step_max: Duration,
    /// The same before the first step, while models of many gigabytes are loaded.
    pub loading_max: Duration,
    /// Between two surveys of an available server.
    pub survey_ready: Duration,
    /// Between two surveys of an unavailable server.
    pub survey_away: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(3),
            call: seconds(8),
            upload: seconds(15),
            download: seconds(30),
            poll: seconds(2),
            poll_finished: Duration::from_millis(150),
            ping: seconds(15),
            silence: seconds(40),
            reconnect: seconds(5),
            unavailable: seconds(15),
            unconfirmed: seconds(5),
            queue_max: seconds(3600),
            step_max: seconds(60),
            loading_max: seconds(180),
            survey_ready: seconds(60),
            survey_away: seconds(10),
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn settings(url: &str) -> ComfyuiSettings {
        ComfyuiSettings {
            url: url.to_owned(),
            ..ComfyuiSettings::default()
        }
    }

    #[test]
    fn routes_keep_the_base_path_and_the_configured_query() {
        let plain = Endpoint::new(&settings("http://gpu:8188")).expect("valid");
        assert_eq!(
            plain.url(&["prompt"], &[]).as_str(),
            "http://gpu:8188/prompt"
        );
        let behind = settings("https://gpu.example/comfy/?token=s3cret");
        let behind = Endpoint::new(&behind).expect("valid");
        assert_eq!(
            behind.url(&["object_info", "A b/c"], &[]).as_str(),
            "https://gpu.example/comfy/object_info/A%20b%2Fc?token=s3cret"
        );
        assert_eq!(
            behind.socket_url("id").as_str(),
            "wss://gpu.example/comfy/ws?token=s3cret&clientId=id"
        );
        assert_eq!(
            (behind.port(), behind.shown().contains("s3cret")),
            (443, false)
        );
    }

    #[test]
    fn invalid_settings_are_rejected_without_printing_secrets() {
        for url in [
            "gpu:8188",
            "ftp://gpu",
            "http://",
            "http://me:s3cret@gpu",
            "",
        ] {
            let error = settings(url).check().expect_err(url).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let token = ComfyuiSettings {
            token: Some("s3 cret".to_owned()),
            ..settings("http://gpu")
        };
        let error = token.check().expect_err("a space").to_string();
        assert!(!error.contains("cret`"), "{error}");
        for name in ["Origin", "host", "bad name"] {
            let mut with = settings("http://gpu");
            with.headers.insert(name.to_owned(), "x".to_owned());
            assert!(with.check().is_err(), "{name}");
        }
        let mut with = settings("http://gpu");
        with.ca = Some(PathBuf::from("/nowhere/ca.pem"));
        assert!(
            with.check()
                .expect_err("gone")
                .to_string()
                .contains("ca.pem")
        );
        assert!(!format!("{token:?}").contains("cret"));
    }
}
