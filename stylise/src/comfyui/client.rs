//! The HTTP client of a ComfyUI server: blocking calls, each with a timeout and a limit on the answer's
//! size. [`BackgroundCall`] runs a call on its own thread, so that a cancelled order does not wait for it.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;
use std::{io, thread};

use capture::trace;
use serde_json::{Value, json};
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::multipart::{Form, Part};
use ureq::{Agent, Body, RequestBuilder};
use url::Url;

use crate::comfyui::answers;
use crate::comfyui::answers::{Accepted, Ended, Found, QueuePlace};
use crate::comfyui::call_span::CallSpan;
use crate::comfyui::events::PictureRef;
use crate::comfyui::remote_order::OrderNames;
use crate::comfyui::server_error::{CallError, one_line};
use crate::comfyui::settings::Endpoint;
use crate::comfyui::tracker::PollResult;
use crate::stylist::{JobContext, StylistError};

/// The queue contains the whole workflow of each order.
const QUEUE_MAX_BYTES: u64 = 32 << 20;
const HISTORY_MAX_BYTES: u64 = 16 << 20;
const HISTORY_NEWEST: &str = "16";
/// Lists of model files can be long.
const CLASS_MAX_BYTES: u64 = 4 << 20;
const SMALL_MAX_BYTES: u64 = 256 << 10;
/// A PNG of four megapixels has at most 16 MB.
const PICTURE_MAX_BYTES: u64 = 64 << 20;

#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    pub(super) endpoint: Endpoint,
}

impl Client {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let timeouts = &endpoint.timeouts;
        let mut config = Agent::config_builder()
            .timeout_connect(Some(timeouts.connect))
            .http_status_as_error(false)
            // No proxy, because the WebSocket uses none either.
            .proxy(None)
            // No redirects: a token must only reach the configured server.
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

    /// Uploads a picture, replacing an existing one; returns its location. Of the folders `temp`, `input`
    /// and `output`, ComfyUI clears only `temp` when it starts.
    pub(super) fn upload(&self, to: &PictureRef, jpeg: &[u8]) -> Result<PictureRef, CallError> {
        // Multipart forms cannot escape these characters.
        if to.filename.contains(['"', '\\']) || to.filename.contains(char::is_control) {
            return Err(CallError::Malformed);
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
            .timeout_global(Some(self.endpoint.timeouts.upload))
            .build();
        let span = CallSpan::begin();
        let answer = read(request.send(form), SMALL_MAX_BYTES);
        span.end("POST", &["upload", "image"], &url, &answer);
        answers::uploaded(&answer?)
    }

    /// Sends an order with our own id for it.
    pub(super) fn order(
        &self,
        prompt_id: &str,
        graph: &Value,
        output: &str,
    ) -> Result<Accepted, CallError> {
        // The order's id is also the client id, so that a restarted program receives the events of orders it
        // sent before. Servers before August 2025 ignore the targets; the graph contains only nodes that the
        // output needs.
        let order = json!({
            "prompt": graph,
            "client_id": prompt_id,
            "prompt_id": prompt_id,
            "partial_execution_targets": [output],
        });
        let answer = self.post(&["prompt"], &order, self.endpoint.timeouts.upload)?;
        answers::accepted(&answer, output)
    }

    pub(super) fn queue_place(&self, names: &OrderNames) -> Result<Found<QueuePlace>, CallError> {
        let answer = self.ask(&["queue"], QUEUE_MAX_BYTES)?;
        answers::queue_place(&answer, names)
    }

    /// Asks the queue first, then the history, see [`PollResult`]. Also returns the server's id of the
    /// order.
    pub(super) fn poll_order(
        &self,
        names: &OrderNames,
    ) -> Result<(Option<String>, PollResult), CallError> {
        if let Some((order, place)) = self.queue_place(names)? {
            return Ok((Some(order), PollResult::Queued(place)));
        }
        Ok(match self.ended(names)? {
            Some((order, ended)) => (Some(order), PollResult::Over(ended)),
            None => (None, PollResult::NotFound),
        })
    }

    /// Looks the order up in the history. If the server assigns ids itself and its answer was lost, searches
    /// the newest entries for our client id.
    pub(super) fn ended(&self, names: &OrderNames) -> Result<Found<Ended>, CallError> {
        let answer = self.history(&names.order)?;
        if let Some(ended) = answers::history_entry(&answer, &names.order)? {
            return Ok(Some((names.order.clone(), ended)));
        }
        if names.order != names.client {
            return Ok(None);
        }
        let newest = [("max_items", HISTORY_NEWEST)];
        let within = self.endpoint.timeouts.call;
        match self.get(&["history"], &newest, HISTORY_MAX_BYTES, within) {
            Ok(answer) => answers::history_entry_of_client(&answer, names),
            // Too large to search, or the route does not exist.
            Err(CallError::TooLong | CallError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The raw answer of `GET /history/{id}`.
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
            self.endpoint.timeouts.download,
        )
    }

    /// Removes an order that is still queued.
    pub(super) fn unqueue(&self, prompt_id: &str) -> Result<(), CallError> {
        self.command("queue", &json!({"delete": [prompt_id]}))
    }

    /// Interrupts a running order. The caller has just seen that it is the running one, since servers of
    /// 2024 ignore the id and stop whatever runs.
    pub(super) fn interrupt(&self, prompt_id: &str) -> Result<(), CallError> {
        self.command("interrupt", &json!({"prompt_id": prompt_id}))
    }

    pub(super) fn erase_history(&self, prompt_id: &str) -> Result<(), CallError> {
        self.command("history", &json!({"delete": [prompt_id]}))
    }

    /// The description of a node class; `None` if the server lacks it.
    pub(super) fn class(&self, class: &str) -> Result<Option<Value>, CallError> {
        let answer = self.ask(&["object_info", class], CLASS_MAX_BYTES)?;
        let mut classes = answers::json(&answer)?;
        let classes = classes.as_object_mut().ok_or(CallError::Malformed)?;
        Ok(classes.remove(class))
    }

    /// The files in a folder of models.
    pub(super) fn model_files(&self, folder: &str) -> Result<BTreeSet<String>, CallError> {
        let answer = self.ask(&["models", folder], CLASS_MAX_BYTES)?;
        serde_json::from_slice(&answer).map_err(|_| CallError::Malformed)
    }

    /// The server's version; `None` if it does not report one.
    pub(super) fn version(&self) -> Result<Option<String>, CallError> {
        let answer = self.ask(&["system_stats"], SMALL_MAX_BYTES)?;
        let stats = answers::json(&answer)?;
        let system = stats.get("system").ok_or(CallError::Malformed)?;
        Ok(system["comfyui_version"].as_str().map(one_line))
    }

    /// Checks that the server answers.
    pub(super) fn check_reachable(&self) -> Result<(), CallError> {
        self.ask(&["queue"], QUEUE_MAX_BYTES).map(drop)
    }

    /// A GET with the short timeout.
    fn ask(&self, path: &[&str], limit: u64) -> Result<Vec<u8>, CallError> {
        self.get(path, &[], limit, self.endpoint.timeouts.call)
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
        let span = CallSpan::begin();
        let answer = read(request.call(), limit);
        span.end("GET", path, &url, &answer);
        answer
    }

    fn post(&self, path: &[&str], body: &Value, within: Duration) -> Result<Vec<u8>, CallError> {
        let url = self.endpoint.url(path, &[]);
        let request = self.with_headers(self.agent.post(url.as_str()));
        let request = request.config().timeout_global(Some(within)).build();
        let span = CallSpan::begin();
        let answer = read(request.send_json(body), SMALL_MAX_BYTES);
        span.end("POST", path, &url, &answer);
        answer
    }

    fn command(&self, route: &str, body: &Value) -> Result<(), CallError> {
        let within = self.endpoint.timeouts.call;
        self.post(&[route], body, within).map(drop)
    }

    fn with_headers<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let headers = self.endpoint.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
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
        // Errors inside a reader arrive wrapped.
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
        other => one_line(&other.to_string()),
    };
    CallError::Unreachable(why)
}

/// How soon a cancelled order is noticed.
const CANCEL_CHECK_EVERY: Duration = Duration::from_millis(100);

/// A blocking call on its own thread. If nobody waits for it any more its answer is dropped, and the call
/// ends by its own timeout.
pub(super) struct BackgroundCall<T> {
    answer: Receiver<Result<T, CallError>>,
}

impl<T: Send + 'static> BackgroundCall<T> {
    pub(super) fn start(call: impl FnOnce() -> Result<T, CallError> + Send + 'static) -> Self {
        // overflow: awaited; one answer, and room for it
        let (to, answer) = sync_channel(1);
        let thread = thread::Builder::new().name("comfyui-call".to_owned());
        let context = trace::current();
        // If no thread can be started the sender is dropped, which the receiver reports as a failed call.
        let _ = thread.spawn(move || {
            let _entered = trace::enter(context);
            let _ = to.send(call());
        });
        Self { answer }
    }

    /// The answer, if it arrives within `within`. Must not be called again afterwards.
    pub(super) fn wait(&self, within: Duration) -> Option<Result<T, CallError>> {
        match self.answer.recv_timeout(within) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(CallError::Unreachable(
                "the call ended without an answer".to_owned(),
            ))),
        }
    }

    /// Waits for the answer, unless the job is cancelled or the program stops.
    pub(super) fn wait_or_cancel(
        &self,
        context: &dyn JobContext,
    ) -> Result<Result<T, CallError>, StylistError> {
        loop {
            if let Some(answer) = self.wait(CANCEL_CHECK_EVERY) {
                return Ok(answer);
            }
            check_cancelled(context)?;
        }
    }
}

/// Fails when the job is cancelled or the program stops.
pub(super) fn check_cancelled(context: &dyn JobContext) -> Result<(), StylistError> {
    if context.is_cancelled() {
        return Err(StylistError::Cancelled);
    }
    if context.is_stopping() {
        return Err(StylistError::Stopping);
    }
    Ok(())
}

#[test]
fn a_panicking_call_counts_as_failed() {
    let call = BackgroundCall::<()>::start(|| panic!("as a library may"));
    let answer = call.wait(Duration::from_secs(10));
    assert!(matches!(answer, Some(Err(CallError::Unreachable(_)))));
}
