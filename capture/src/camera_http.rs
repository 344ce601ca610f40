//! The connection to a camera over HTTP.

use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, RustlsConnector, TcpConnector};
use ureq::{Agent, Body, ResponseExt};

use crate::credentials::{Challenged, Login, split_login};
use crate::error::CaptureError;
use crate::icy::IcyConnector;

/// To find the camera and to connect.
const CONNECT: Duration = Duration::from_secs(4);
/// To begin an answer: a slow camera may begin it with its next picture.
const ANSWER: Duration = Duration::from_secs(20);
/// Without a byte for so long the connection is dead. The card is up long before, and whoever gives the
/// attempt up closes the connection.
const IDLE: Duration = Duration::from_secs(90);
/// A request, its answer to a challenge, and once more for a challenge that grew old.
const REQUESTS: usize = 3;

/// Asks a camera, with its login where one is needed.
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
            // Cameras are near; a proxy meant for the web would not reach them.
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

    /// Ends what waits for the camera, from another thread, for good.
    pub(crate) fn closer(&self) -> impl FnOnce() + Send + 'static {
        let agent = self.agent.clone();
        move || agent.shutdown()
    }

    /// An answer that promises something, or why there is none.
    pub(crate) fn get(&mut self) -> Result<Response<Body>, CaptureError> {
        let mut is_answered = false;
        for _ in 0..REQUESTS {
            let response = self.request()?;
            if response.status().is_success() {
                return Ok(response);
            }
            if let Err(detail) = self.take_challenge(&response, is_answered) {
                // The next time begins anew, with what the camera wants then.
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

    /// Prepares the answer to a refusal; the error says why there can be none.
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
        // Redirected to somebody else, who gets no password.
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

/// What a status other than success means for whoever wrote the address.
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

/// What an answer says to be, for people.
pub(crate) fn content_type(response: &Response<Body>) -> String {
    let header = response.headers().get(header::CONTENT_TYPE);
    let kind = header.and_then(|value| value.to_str().ok());
    kind.map_or("no Content-Type".to_owned(), |kind| {
        kind.chars().take(100).collect()
    })
}
