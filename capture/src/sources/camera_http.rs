//! Requests to a camera over HTTP, with its login (Basic or Digest).

use std::fmt;
use std::time::Duration;

use http_auth::{PasswordClient, PasswordParams};
use percent_encoding::percent_decode_str;
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Agent, Body, Error, ResponseExt};

use crate::error::CaptureError;

/// Time limit for the name lookup, and for the connection.
const CONNECT: Duration = Duration::from_secs(4);
/// Time limit for the beginning of an answer, which a slow camera may send with its next picture.
const ANSWER: Duration = Duration::from_secs(20);
/// A connection without a byte for this long is dead. The supervisor usually closes it earlier.
const IDLE: Duration = Duration::from_secs(90);
/// The first request, the answer to the challenge, and another answer when the nonce has expired.
const REQUESTS: usize = 3;

/// A client of one camera.
#[derive(Debug)]
pub(crate) struct CameraHttp {
    agent: Agent,
    address: String,
    /// In plain words, for errors.
    name: String,
    login: Option<Login>,
    challenged: Option<Challenged>,
}

impl CameraHttp {
    pub(crate) fn new(url: &str, name: String) -> Self {
        let config = Agent::config_builder()
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(IDLE))
            // Cameras are on the local network, which a web proxy does not reach.
            .proxy(None)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .build();
        let connector =
            ().chain(TcpConnector::default())
                .chain(IcyConnector)
                .chain(RustlsConnector::default());
        let (address, login) = split_login(url);
        Self {
            agent: Agent::with_parts(config, connector, DefaultResolver::default()),
            address,
            name,
            login,
            challenged: None,
        }
    }

    /// A function that makes all waiting calls return, and all later ones fail. For another thread.
    pub(crate) fn closer(&self) -> impl FnOnce() + Send + 'static {
        let agent = self.agent.clone();
        move || agent.shutdown()
    }

    /// Requests the stream. Returns the first answer with a status of success.
    pub(crate) fn get(&mut self) -> Result<Response<Body>, CaptureError> {
        let mut is_answered = false;
        for _ in 0..REQUESTS {
            let response = self.request()?;
            if response.status().is_success() {
                return Ok(response);
            }
            if let Err(detail) = self.take_challenge(&response, is_answered) {
                // The next request waits for a new challenge.
                self.challenged = None;
                return Err(self.no_stream(detail));
            }
            is_answered = true;
        }
        Err(self.no_stream("its challenges never end".to_owned()))
    }

    fn request(&mut self) -> Result<Response<Body>, CaptureError> {
        let unreadable = || {
            "its address cannot be read; in a password, / is written as %2F and # as %23".to_owned()
        };
        let uri: Uri = self
            .address
            .parse()
            .map_err(|_| self.no_stream(unreadable()))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = self.agent.get(&uri);
        if let Some(challenged) = &mut self.challenged {
            let answer = challenged.respond("GET", path);
            let answer = answer.map_err(|detail| self.no_stream(detail))?;
            request = request.header(header::AUTHORIZATION, answer);
        }
        request.call().map_err(|error| self.failed(&error))
    }

    /// Prepares the answer to a challenge. The error says why the camera refused.
    fn take_challenge(
        &mut self,
        response: &Response<Body>,
        is_answered: bool,
    ) -> Result<(), String> {
        let (status, at) = (response.status(), response.get_uri());
        let refused = || refusal(status, self.login.is_some());
        let asks = status == StatusCode::UNAUTHORIZED
            || status == StatusCode::FORBIDDEN && self.challenged.is_none();
        let is_here = |uri: Uri| uri.authority() == at.authority();
        // Another host, to which the camera redirected, does not get the password.
        if !asks || !self.address.parse().is_ok_and(is_here) {
            return Err(refused());
        }
        let login = self.login.clone().ok_or_else(refused)?;
        let challenges = response.headers().get_all(header::WWW_AUTHENTICATE);
        let challenges = challenges.iter().filter_map(|value| value.to_str().ok());
        let challenged = Challenged::new(login, challenges)
            .map_err(|what| format!("it asks for a login in a way that is not known: {what}"))?;
        if is_answered && !challenged.is_renewed() {
            return Err(refused());
        }
        self.address = at.to_string();
        self.challenged = Some(challenged);
        Ok(())
    }

    fn no_stream(&self, detail: String) -> CaptureError {
        CaptureError::NoStream {
            name: self.name.clone(),
            detail,
        }
    }

    fn failed(&self, error: &ureq::Error) -> CaptureError {
        match error {
            ureq::Error::Protocol(_) => {
                self.no_stream(format!("its answer is not that of a web server: {error}"))
            }
            ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => {
                self.no_stream("its redirects lead nowhere".to_owned())
            }
            _ => CaptureError::Unreachable {
                name: self.name.clone(),
                detail: error.to_string(),
            },
        }
    }
}

/// A status other than success in words, with advice on the address.
pub(crate) fn refusal(status: StatusCode, has_login: bool) -> String {
    let advice = match (status, has_login) {
        (StatusCode::UNAUTHORIZED, true) => ": the user or the password in its address is wrong",
        (StatusCode::UNAUTHORIZED, false) => {
            ": its address needs a user and a password, as in http://USER:PASSWORD@HOST/"
        }
        (StatusCode::FORBIDDEN, true) => ": the user in its address may not watch",
        (StatusCode::NOT_FOUND, _) => ": the path in its address is wrong",
        _ => "",
    };
    format!("it answers {status}{advice}")
}

/// The content type of an answer, for messages.
pub(crate) fn content_type(response: &Response<Body>) -> String {
    let header = response.headers().get(header::CONTENT_TYPE);
    let kind = header.and_then(|value| value.to_str().ok());
    kind.map_or("no Content-Type".to_owned(), |kind| {
        kind.chars().take(100).collect()
    })
}

const ICY: &[u8] = b"ICY ";
const HTTP: &[u8] = b"HTTP/1.0 ";

/// Rewrites "ICY 200 OK", as SHOUTcast and some cameras answer, to the HTTP/1.0 that it means. HTTP
/// clients refuse it otherwise.
#[derive(Debug)]
pub(crate) struct IcyConnector;

impl<In: Transport> Connector<In> for IcyConnector {
    type Out = IcyTransport<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| IcyTransport {
            inner,
            is_at_answer: true,
        }))
    }
}

/// A connection below [`IcyConnector`].
#[derive(Debug)]
pub(crate) struct IcyTransport<In> {
    inner: In,
    /// No byte of the present answer has been read yet.
    is_at_answer: bool,
}

impl<In: Transport> Transport for IcyTransport<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.is_at_answer = true;
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut has_more = self.inner.await_input(timeout)?;
        while self.is_at_answer && has_more {
            let input = self.inner.buffers().input();
            if input.starts_with(ICY) {
                renamed(self.inner.buffers());
            } else if input.len() < ICY.len() && ICY.starts_with(input) {
                has_more = self.inner.await_input(timeout)?;
                continue;
            }
            self.is_at_answer = false;
        }
        Ok(has_more)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

fn renamed(buffers: &mut dyn Buffers) {
    let answer = [HTTP, &buffers.input()[ICY.len()..]].concat();
    buffers.input_consume(answer.len() - HTTP.len() + ICY.len());
    let room = buffers.input_append_buf();
    // The longer name may not fit into a full buffer: then the last bytes are cut off.
    let kept = answer.len().min(room.len());
    room[..kept].copy_from_slice(&answer[..kept]);
    buffers.input_appended(kept);
}

/// User and password, unescaped. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    user: String,
    password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// Splits a URL into the URL without its login, and the login. Percent-encoded characters are decoded
/// (RFC 3986, 3.2.1); an unescaped `@` or `:` in the password is accepted.
pub(crate) fn split_login(url: &str) -> (String, Option<Login>) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), None);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((login, host)) = authority.rsplit_once('@') else {
        return (url.to_owned(), None);
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let plain = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = Login {
        user: plain(user),
        password: plain(password),
    };
    (format!("{scheme}://{host}{path}"), Some(login))
}

/// Answers a camera's challenges.
#[derive(Debug)]
pub(crate) struct Challenged {
    login: Login,
    client: PasswordClient,
}

impl Challenged {
    /// `challenges` are the values of `WWW-Authenticate`. Without any, Basic is used. The error names the
    /// unsupported scheme.
    pub(crate) fn new<'a>(
        login: Login,
        challenges: impl Iterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let mut challenges = challenges.peekable();
        let mut builder = PasswordClient::builder();
        if challenges.peek().is_none() {
            builder = builder.challenges("Basic realm=\"\"");
        }
        let client = challenges
            .fold(builder, |builder, value| builder.challenges(value))
            .build()?;
        Ok(Self { login, client })
    }

    /// Whether the camera asks again only because the nonce has expired.
    pub(crate) fn is_renewed(&self) -> bool {
        matches!(&self.client, PasswordClient::Digest(digest) if digest.stale())
    }

    /// The value of `Authorization` for the next request.
    pub(crate) fn respond(&mut self, method: &str, uri: &str) -> Result<String, String> {
        let params = |body| PasswordParams {
            username: &self.login.user,
            password: &self.login.password,
            uri,
            method,
            body,
        };
        self.client
            .respond(&params(None))
            // Some cameras only offer `qop=auth-int`, which includes the body: an empty one here.
            .or_else(|_| self.client.respond(&params(Some(&[]))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, password: &str) -> Option<Login> {
        Some(Login {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    #[test]
    fn escaped_signs_are_decoded_and_the_address_keeps_no_login() {
        let cases = [
            ("http://h:81/s", "http://h:81/s", None),
            (
                "http://me:pw@h/s?a=b@c",
                "http://h/s?a=b@c",
                login("me", "pw"),
            ),
            (
                "http://w%61tcher:a%40b:50%25%2fc%20d@h",
                "http://h",
                login("watcher", "a@b:50%/c d"),
            ),
            ("http://me:p@ss@h/", "http://h/", login("me", "p@ss")),
            ("http://me@[::1]:8/", "http://[::1]:8/", login("me", "")),
            ("http://me:100%@h/", "http://h/", login("me", "100%")),
            (
                "http://j%C3%BCrgen:%E2%82%AC@h/",
                "http://h/",
                login("jürgen", "€"),
            ),
        ];
        for (url, plain, login) in cases {
            assert_eq!(split_login(url), (plain.to_owned(), login), "{url}");
        }
        let shown = format!("{:?}", split_login("http://me:secret@h/"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn challenges_are_answered_by_the_strongest_scheme() {
        let answer = |challenges: &[&'static str]| {
            let login = login("me", "a@b").expect("some");
            Challenged::new(login, challenges.iter().copied())
                .and_then(|mut client| client.respond("GET", "/video?x=1"))
        };
        assert_eq!(answer(&[]).as_deref(), Ok("Basic bWU6YUBi"));
        let basic = "Basic realm=\"eye\"";
        assert_eq!(answer(&[basic]).as_deref(), Ok("Basic bWU6YUBi"));
        let digest = "Digest realm=\"eye\", nonce=\"0a\", qop=\"auth\"";
        for challenges in [&[digest][..], &[basic, digest], &["NTLM", digest]] {
            let words = answer(challenges).expect("answered");
            assert!(words.starts_with("Digest ") && words.contains("uri=\"/video?x=1\""));
            assert!(words.contains("nc=00000001"), "{words}");
        }
        let sha = "Digest realm=\"eye\", nonce=\"0a\", algorithm=SHA-256, qop=\"auth,auth-int\"";
        assert!(answer(&[sha]).expect("answered").contains("SHA-256"));
        let only_int = "Digest realm=\"eye\", nonce=\"0a\", qop=\"auth-int\"";
        assert!(answer(&[only_int]).is_ok());
        assert!(answer(&["NTLM"]).is_err());
    }
}
