//! The HTTP routes of a ComfyUI. Blocking; every call has a deadline and every answer a limit.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::multipart::{Form, Part};
use ureq::{Agent, Body, RequestBuilder, http::Response};
use url::Url;

use super::answers::{self, Accepted, Ended, Found, Place};
use super::endpoint::Endpoint;
use super::events::PictureRef;
use super::memo::Names;
use super::refusal::words;
use super::run::Look;

/// The queue holds the whole workflow of each order.
const QUEUE_MAX_BYTES: u64 = 32 << 20;
const HISTORY_MAX_BYTES: u64 = 16 << 20;
const HISTORY_NEWEST: &str = "16";
/// Lists of models can be long.
const CLASS_MAX_BYTES: u64 = 4 << 20;
const SMALL_MAX_BYTES: u64 = 256 << 10;
/// A PNG of four megapixels has 16 MB at most.
const PICTURE_MAX_BYTES: u64 = 64 << 20;

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// Nobody there, or the connection broke, or it took too long.
    Unreachable(String),
    /// An answer of 400 and above.
    Refused { status: u16, body: String },
    /// More bytes than there may be.
    TooLong,
    /// Not what a ComfyUI answers.
    Garbled,
}

/// Shared by all calls; cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    pub(super) endpoint: Endpoint,
}

impl Client {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let pace = &endpoint.pace;
        let mut config = Agent::config_builder()
            .timeout_connect(Some(pace.connect))
            .http_status_as_error(false)
            // The WebSocket goes straight there too.
            .proxy(None)
            // A token goes to the configured server and nowhere else.
            .max_redirects(0);
        if !endpoint.authorities.is_empty() {
            let roots: Vec<_> = endpoint
                .authorities
                .iter()
                .map(|der| Certificate::from_der(der).to_owned())
                .collect();
            let roots = RootCerts::new_with_certs(&roots);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        let agent = config.build().new_agent();
        Self { agent, endpoint }
    }

    /// Puts a picture there, in the place of one that is there; tells where it lies then. Of the folders
    /// `temp`, `input` and `output` ComfyUI empties the first alone, at its start.
    pub(super) fn upload(&self, to: &PictureRef, jpeg: &[u8]) -> Result<PictureRef, CallError> {
        // The form has no way to escape them.
        if to.filename.contains(['"', '\\']) || to.filename.contains(char::is_control) {
            return Err(CallError::Garbled);
        }
        let part = Part::bytes(jpeg).file_name(&to.filename);
        let part = part.mime_str("image/jpeg");
        let part = part.map_err(|error| unreachable_because(&error))?;
        let form = Form::new()
            .text("type", &to.kind)
            .text("subfolder", &to.subfolder)
            .text("overwrite", "true")
            .part("image", part);
        let url = self.endpoint.url(&["upload", "image"], &[]);
        let request = self.with_headers(self.agent.post(url.as_str()));
        let request = request
            .config()
            .timeout_global(Some(self.endpoint.pace.upload))
            .build();
        let answer = read(request.send(form), SMALL_MAX_BYTES)?;
        garbled(answers::uploaded(&answer))
    }

    /// Sends an order under our own name for it.
    pub(super) fn order(
        &self,
        prompt_id: &str,
        graph: &Value,
        output: &str,
    ) -> Result<Accepted, CallError> {
        // The name of the order is also that of the client: a program that was started again gets the
        // events of the orders it sent before. Servers before August 2025 ignore the targets, and get no
        // more nodes than the output needs.
        let order = json!({
            "prompt": graph,
            "client_id": prompt_id,
            "prompt_id": prompt_id,
            "partial_execution_targets": [output],
        });
        let answer = self.post(&["prompt"], &order, self.endpoint.pace.upload)?;
        garbled(answers::accepted(&answer, output))
    }

    pub(super) fn place(&self, names: &Names) -> Result<Found<Place>, CallError> {
        let answer = self.ask(&["queue"], QUEUE_MAX_BYTES)?;
        garbled(answers::place(&answer, names))
    }

    /// Queue first, then history: see [`Look`]. With the server's own name of an order that is found.
    pub(super) fn look(&self, names: &Names) -> Result<(Option<String>, Look), CallError> {
        if let Some((order, place)) = self.place(names)? {
            return Ok((Some(order), Look::Queued(place)));
        }
        Ok(match self.ended(names)? {
            Some((order, ended)) => (Some(order), Look::Over(ended)),
            None => (None, Look::Nowhere),
        })
    }

    /// By the history. An order whose answer was lost, at a server that names orders itself, is looked for
    /// among the newest of all.
    pub(super) fn ended(&self, names: &Names) -> Result<Found<Ended>, CallError> {
        let answer = self.history(&names.order)?;
        if let Some(ended) = garbled(answers::entry(&answer, &names.order))? {
            return Ok(Some((names.order.clone(), ended)));
        }
        if names.order != names.client {
            return Ok(None);
        }
        let newest = [("max_items", HISTORY_NEWEST)];
        let within = self.endpoint.pace.call;
        match self.get(&["history"], &newest, HISTORY_MAX_BYTES, within) {
            Ok(answer) => garbled(answers::entry_of_client(&answer, names)),
            // Too much to look through, or no such route.
            Err(CallError::TooLong | CallError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `GET /history/{id}`, as it is.
    pub(super) fn history(&self, order: &str) -> Result<Vec<u8>, CallError> {
        self.ask(&["history", order], HISTORY_MAX_BYTES)
    }

    pub(super) fn picture(&self, picture: &PictureRef) -> Result<Vec<u8>, CallError> {
        let query = [
            ("filename", picture.filename.as_str()),
            ("subfolder", picture.subfolder.as_str()),
            ("type", picture.kind.as_str()),
        ];
        self.get(
            &["view"],
            &query,
            PICTURE_MAX_BYTES,
            self.endpoint.pace.download,
        )
    }

    /// Takes an order out of the queue, if it still waits there.
    pub(super) fn unqueue(&self, prompt_id: &str) -> Result<(), CallError> {
        self.post(
            &["queue"],
            &json!({"delete": [prompt_id]}),
            self.endpoint.pace.call,
        )
        .map(|_| ())
    }

    /// Stops an order that runs. The caller just saw that it is this one: servers of 2024 ignore the name
    /// and stop whatever runs.
    pub(super) fn interrupt(&self, prompt_id: &str) -> Result<(), CallError> {
        self.post(
            &["interrupt"],
            &json!({"prompt_id": prompt_id}),
            self.endpoint.pace.call,
        )
        .map(|_| ())
    }

    pub(super) fn erase_history(&self, prompt_id: &str) -> Result<(), CallError> {
        self.post(
            &["history"],
            &json!({"delete": [prompt_id]}),
            self.endpoint.pace.call,
        )
        .map(|_| ())
    }

    /// What the server says of a class of nodes; none: it has no such class.
    pub(super) fn class(&self, class: &str) -> Result<Option<Value>, CallError> {
        let answer = self.ask(&["object_info", class], CLASS_MAX_BYTES)?;
        let mut classes: Value = serde_json::from_slice(&answer).map_err(|_| CallError::Garbled)?;
        let classes = classes.as_object_mut().ok_or(CallError::Garbled)?;
        Ok(classes.remove(class))
    }

    /// The files in a folder of models.
    pub(super) fn model_files(&self, folder: &str) -> Result<BTreeSet<String>, CallError> {
        let answer = self.ask(&["models", folder], CLASS_MAX_BYTES)?;
        serde_json::from_slice(&answer).map_err(|_| CallError::Garbled)
    }

    /// What the server says of itself; none: an old one that does not tell.
    pub(super) fn version(&self) -> Result<Option<String>, CallError> {
        let answer = self.ask(&["system_stats"], SMALL_MAX_BYTES)?;
        let stats: Value = serde_json::from_slice(&answer).map_err(|_| CallError::Garbled)?;
        let system = stats.get("system").ok_or(CallError::Garbled)?;
        let version = system.get("comfyui_version").and_then(Value::as_str);
        Ok(version.map(words))
    }

    /// Whether it answers at all.
    pub(super) fn is_there(&self) -> Result<(), CallError> {
        self.ask(&["queue"], QUEUE_MAX_BYTES).map(drop)
    }

    /// A question that is answered at once.
    fn ask(&self, path: &[&str], limit: u64) -> Result<Vec<u8>, CallError> {
        self.get(path, &[], limit, self.endpoint.pace.call)
    }

    fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        limit: u64,
        within: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let url: Url = self.endpoint.url(path, query);
        let request = self.with_headers(self.agent.get(url.as_str()));
        let request = request.config().timeout_global(Some(within)).build();
        read(request.call(), limit)
    }

    fn post(&self, path: &[&str], body: &Value, within: Duration) -> Result<Vec<u8>, CallError> {
        let url = self.endpoint.url(path, &[]);
        let request = self.with_headers(self.agent.post(url.as_str()));
        let request = request.config().timeout_global(Some(within)).build();
        read(request.send_json(body), SMALL_MAX_BYTES)
    }

    fn with_headers<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let headers = self.endpoint.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }
}

impl CallError {
    /// For people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unreachable(why) => format!("The ComfyUI server cannot be reached: {why}"),
            Self::Refused { status, body } => {
                format!("The ComfyUI server answers HTTP {status}: {}", words(body))
            }
            Self::TooLong => "The ComfyUI server's answer has no end.".to_owned(),
            Self::Garbled => "What answers there is no ComfyUI.".to_owned(),
        }
    }
}

fn read(answer: Result<Response<Body>, ureq::Error>, limit: u64) -> Result<Vec<u8>, CallError> {
    let mut answer = answer.map_err(|error| unreachable_because(&error))?;
    let status = answer.status().as_u16();
    let is_good = (200..300).contains(&status);
    let limit = if is_good { limit } else { SMALL_MAX_BYTES };
    let body = answer.body_mut().with_config().limit(limit).read_to_vec();
    match (is_good, body) {
        (true, Ok(body)) => Ok(body),
        (true, Err(error)) if is_too_long(&error) => Err(CallError::TooLong),
        (true, Err(error)) => Err(unreachable_because(&error)),
        (false, body) => Err(CallError::Refused {
            status,
            body: String::from_utf8_lossy(&body.unwrap_or_default()).into_owned(),
        }),
    }
}

fn is_too_long(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::BodyExceedsLimit(_) => true,
        // Within a reader it comes wrapped.
        ureq::Error::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ureq::Error>())
            .is_some_and(is_too_long),
        _ => false,
    }
}

fn unreachable_because(error: &ureq::Error) -> CallError {
    let why = match error {
        ureq::Error::HostNotFound => "its name is not known".to_owned(),
        ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "nothing listens there; is it running?".to_owned()
        }
        other => words(&other.to_string()),
    };
    CallError::Unreachable(why)
}

fn garbled<T>(read: Result<T, answers::Garbled>) -> Result<T, CallError> {
    read.map_err(|answers::Garbled| CallError::Garbled)
}
