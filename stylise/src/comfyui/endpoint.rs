//! Where the server is, and what goes with each request.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use capture::Threads;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use ureq::http::{HeaderName, HeaderValue, header};
use url::Url;

use super::pace::Pace;

/// A ComfyUI server, as it is configured.
#[derive(Clone, Default)]
pub struct ComfyuiSettings {
    /// `http` or `https`, with a base path behind a proxy, and with `?token=...` for servers that want
    /// it there.
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<String>,
    /// Sent with each request.
    pub headers: BTreeMap<String, String>,
    /// PEM file of the authority of the server's certificate, instead of the public ones.
    pub ca: Option<PathBuf>,
    /// How long anything may take.
    pub pace: Pace,
    /// Where the thread that asks the server is registered.
    pub threads: Threads,
}

/// What is wrong with the settings. Never says a secret.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The address.
    #[error("the address of ComfyUI: {0}")]
    Url(String),
    /// The token.
    #[error(
        "the token for ComfyUI cannot be sent in a header: printable characters without spaces only"
    )]
    Token,
    /// A header.
    #[error("the header `{name}` for ComfyUI: {why}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The certificate of the authority.
    #[error("the authority of ComfyUI's certificate, {}: {why}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system gives no thread.
    #[error("no thread for ComfyUI: {0}")]
    Thread(std::io::Error),
}

/// The settings, checked.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// Path and query as they were given.
    base: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty: the public authorities.
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) pace: Pace,
}

/// Would make the server compare it with the host, and refuse; or belong to the connection.
const NOT_OURS_TO_SET: [HeaderName; 5] = [
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
            pace: settings.pace.clone(),
        })
    }

    /// The address of a route: its segments are escaped, and the query that was configured stays.
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

    /// The same over a WebSocket.
    pub(super) fn socket_url(&self, client_id: &str) -> Url {
        let mut url = self.url(&["ws"], &[("clientId", client_id)]);
        let scheme = if self.is_tls() { "wss" } else { "ws" };
        // Between special schemes this cannot fail.
        let _ = url.set_scheme(scheme);
        url
    }

    pub(super) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// As a name to look up or an address, without brackets.
    pub(super) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        host.trim_matches(['[', ']']).to_owned()
    }

    pub(super) fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(80)
    }

    /// For people: without what may be secret.
    pub(super) fn shown(&self) -> String {
        let mut url = self.base.clone();
        url.set_query(None);
        url.to_string()
    }
}

impl ComfyuiSettings {
    /// Whether it can be used at all; asks nobody.
    ///
    /// # Errors
    /// See [`SettingsError`].
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
    if NOT_OURS_TO_SET.contains(&header) {
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
    fn what_cannot_be_sent_is_refused_without_saying_secrets() {
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
