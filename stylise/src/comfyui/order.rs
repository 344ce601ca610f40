//! Sends an order, follows it to its end and fetches the result. Sends it a second time if the server lost
//! it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::comfyui::answers::annotated;
use crate::comfyui::client::{BackgroundCall, Client, check_cancelled};
use crate::comfyui::erase::withdraw_in_background;
use crate::comfyui::events::PictureRef;
use crate::comfyui::remote_order::{OrderNames, RemoteDetails, photo_file};
use crate::comfyui::server_error::{self, CallError, ServerError};
use crate::comfyui::socket::{EventSource, Socket};
use crate::comfyui::tracker::{OrderOutcome, OrderTracker, PollResult};
use crate::stylist::{JobContext, Progress, RemoteOrder, StylistError};
use crate::workflow::definition::{Workflow, WorkflowStyle};

/// An order is never sent a third time.
const SENDS_MAX: u8 = 2;
const FETCHES: u8 = 3;
/// A poll is usually answered within this time.
const POLL_WAIT: Duration = Duration::from_millis(25);

/// An order with everything needed to send it.
pub(super) struct PreparedOrder {
    pub(super) client: Client,
    pub(super) workflow: Arc<Workflow>,
    pub(super) style: WorkflowStyle,
    /// See [`OrderTracker`].
    pub(super) outputs: Vec<String>,
    pub(super) source: Arc<[u8]>,
    /// Width and height of the source.
    pub(super) size_px: (u32, u32),
}

/// An order that was sent, or may have been.
struct SentOrder {
    remote: RemoteOrder,
    /// Whether the server confirmed that it accepted the order.
    known: bool,
    opening: BackgroundCall<Socket>,
}

/// The answer to `POST /prompt`.
enum PromptAnswer {
    /// Accepted under this id.
    Accepted(String),
    /// No answer: the order may have been accepted.
    Unconfirmed,
    /// The server does not have the uploaded photo any more.
    PhotoGone,
}

impl PreparedOrder {
    /// Makes the picture, from a new order or from one that was sent before.
    pub(super) fn make(
        &self,
        remote: Option<RemoteOrder>,
        context: &dyn JobContext,
    ) -> Result<Vec<u8>, StylistError> {
        let mut sent = match remote {
            Some(remote) if RemoteDetails::of(&remote).only_photo => {
                self.send(remote.sends + 1, context)?
            }
            Some(remote) => SentOrder {
                opening: self.open_socket(&remote),
                remote,
                known: false,
            },
            None => self.send(1, context)?,
        };
        loop {
            let mut remote = sent.remote;
            let outcome = self.follow(sent.opening, sent.known, &mut remote, context);
            let outcome = outcome.inspect_err(|error| {
                if *error == StylistError::Cancelled {
                    withdraw_in_background::<()>(&self.client, &remote, None);
                }
            })?;
            let (visitor, technical) = match outcome {
                OrderOutcome::Done(picture) => {
                    match self.result(&picture, &mut remote, context)? {
                        Some(picture) => return Ok(picture),
                        None => (
                            server_error::LOST,
                            "the ComfyUI server lost the picture twice",
                        ),
                    }
                }
                OrderOutcome::Lost => (
                    server_error::LOST,
                    "the ComfyUI server lost the order twice",
                ),
                OrderOutcome::OutOfMemory => (
                    server_error::TOO_LARGE,
                    "the ComfyUI server has too little graphics memory for this style",
                ),
                OrderOutcome::Failed { visitor, technical } => {
                    return Err(server_error::failed(visitor, &technical));
                }
                OrderOutcome::Overdue { visitor, technical } => {
                    withdraw_in_background::<()>(&self.client, &remote, None);
                    return Err(server_error::failed(visitor, &technical));
                }
                OrderOutcome::Unavailable(why) => return Err(server_error::unavailable(&why)),
            };
            if remote.sends >= SENDS_MAX {
                return Err(server_error::failed(visitor, technical));
            }
            withdraw_in_background::<()>(&self.client, &remote, None);
            sent = self.send(remote.sends + 1, context)?;
        }
    }

    /// Uploads the photo and sends the order, for the first or second time.
    fn send(&self, sends: u8, context: &dyn JobContext) -> Result<SentOrder, StylistError> {
        let mut remote = RemoteOrder {
            id: Uuid::new_v4(),
            sends: sends - 1,
            details: None,
        };
        // Saved before the photo is sent, so that it is erased on the server whatever happens.
        update_details(&mut remote, context, |details| {
            details.only_photo = true;
        })?;
        let opening = self.open_socket(&remote);
        for _ in 0..2 {
            context.report(Progress::Uploading);
            let to = photo_file(&remote);
            let photo = self.upload(&remote, to, Arc::clone(&self.source), context)?;
            let image = annotated(&photo);
            let reference = self.upload_reference(&remote, context)?;
            let renamed = (photo != photo_file(&remote)).then_some(photo);
            remote.sends = sends;
            update_details(&mut remote, context, |details| {
                details.photo = renamed.or(details.photo.take());
                details.only_photo = false;
            })?;
            let known = match self.prompt(&remote, &image, reference.as_deref(), context)? {
                PromptAnswer::Accepted(order) => {
                    save_server_id(&mut remote, context, order)?;
                    true
                }
                PromptAnswer::Unconfirmed => false,
                PromptAnswer::PhotoGone => continue,
            };
            return Ok(SentOrder {
                remote,
                known,
                opening,
            });
        }
        let why =
            "the ComfyUI server does not keep pictures that are sent to it: is its disk full?";
        Err(server_error::failed(server_error::CANNOT, why))
    }

    fn open_socket(&self, remote: &RemoteOrder) -> BackgroundCall<Socket> {
        let (endpoint, id) = (self.client.endpoint.clone(), remote.id.to_string());
        BackgroundCall::start(move || Socket::open(&endpoint, &id))
    }

    fn upload(
        &self,
        remote: &RemoteOrder,
        to: PictureRef,
        picture: Arc<[u8]>,
        context: &dyn JobContext,
    ) -> Result<PictureRef, StylistError> {
        let client = self.client.clone();
        let uploading = BackgroundCall::start(move || client.upload(&to, &picture));
        let uploaded = self.wait_or_withdraw(uploading, remote, context)?;
        uploaded.map_err(|error| match error {
            CallError::Unreachable(_) => server_error::unavailable(&error.to_string()),
            CallError::Refused { status, body } => {
                ServerError::read(status, &body).into_stylist_error()
            }
            CallError::TooLong | CallError::Malformed => {
                server_error::failed(server_error::CANNOT, &error.to_string())
            }
        })
    }

    /// Uploads the reference picture of the style, if it has one; returns its name in the workflow. It is
    /// named by its content, so that orders of other stations do not replace it.
    fn upload_reference(
        &self,
        remote: &RemoteOrder,
        context: &dyn JobContext,
    ) -> Result<Option<String>, StylistError> {
        let Some(path) = &self.style.reference else {
            return Ok(None);
        };
        let picture = std::fs::read(path).map_err(|error| {
            let why = format!("the reference {}: {error}", path.display());
            server_error::failed(server_error::CANNOT, &why)
        })?;
        let mut hasher = DefaultHasher::new();
        picture.hash(&mut hasher);
        let extension = path.extension().and_then(|end| end.to_str());
        let to = PictureRef {
            filename: format!(
                "carrier-reference-{:016x}.{}",
                hasher.finish(),
                extension.unwrap_or("jpg")
            ),
            subfolder: String::new(),
            kind: "temp".to_owned(),
        };
        let there = self.upload(remote, to, picture.into(), context)?;
        Ok(Some(annotated(&there)))
    }

    fn prompt(
        &self,
        remote: &RemoteOrder,
        image: &str,
        reference: Option<&str>,
        context: &dyn JobContext,
    ) -> Result<PromptAnswer, StylistError> {
        let seed = u64::from(rand::random::<u32>());
        let (width_px, height_px) = self.size_px;
        let graph = self
            .workflow
            .fill(&self.style, image, reference, seed, width_px, height_px);
        let (client, id) = (self.client.clone(), remote.id.to_string());
        let output = self.workflow.output.clone();
        let sending = BackgroundCall::start(move || client.order(&id, &graph, &output));
        match self.wait_or_withdraw(sending, remote, context)? {
            Ok(accepted) => {
                let Some(answer) = accepted.without_output else {
                    return Ok(PromptAnswer::Accepted(accepted.order));
                };
                let mut remote = remote.clone();
                let mut details = RemoteDetails::of(&remote);
                details.order = Some(accepted.order);
                details.store_in(&mut remote);
                withdraw_in_background::<()>(&self.client, &remote, None);
                Err(ServerError::read(400, &answer.to_string()).into_stylist_error())
            }
            Err(CallError::Refused { status, body }) => match ServerError::read(status, &body) {
                ServerError::PictureGone => Ok(PromptAnswer::PhotoGone),
                error => Err(error.into_stylist_error()),
            },
            Err(_) => Ok(PromptAnswer::Unconfirmed),
        }
    }

    /// Waits for a call. When the job is cancelled meanwhile, the order is withdrawn after the call.
    fn wait_or_withdraw<T: Send + 'static>(
        &self,
        call: BackgroundCall<T>,
        remote: &RemoteOrder,
        context: &dyn JobContext,
    ) -> Result<Result<T, CallError>, StylistError> {
        let answer = call.wait_or_cancel(context);
        if matches!(answer, Err(StylistError::Cancelled)) {
            withdraw_in_background(&self.client, remote, Some(call));
        }
        answer
    }

    /// Handles events and polls until there is an outcome.
    fn follow(
        &self,
        opening: BackgroundCall<Socket>,
        known: bool,
        remote: &mut RemoteOrder,
        context: &dyn JobContext,
    ) -> Result<OrderOutcome, StylistError> {
        let mut names = OrderNames::of(remote);
        let timeouts = self.client.endpoint.timeouts.clone();
        let reconnect = timeouts.reconnect;
        let (order, outputs) = (names.order.clone(), self.outputs.clone());
        let mut tracker = OrderTracker::new(order, outputs, known, timeouts, Instant::now());
        let mut events = EventSource::new(opening);
        let mut polling: Option<BackgroundCall<(Option<String>, PollResult)>> = None;
        loop {
            check_cancelled(context)?;
            if let Some(answer) = polling.as_ref().and_then(|poll| poll.wait(POLL_WAIT)) {
                polling = None;
                match answer {
                    Ok((order, result)) => {
                        if let Some(order) = order.filter(|order| *order != names.order) {
                            save_server_id(remote, context, order.clone())?;
                            tracker.set_order_name(order.clone());
                            names.order = order;
                        }
                        tracker.on_poll(result, Instant::now());
                    }
                    Err(error) => tracker.on_poll_failed(&error.to_string(), Instant::now()),
                }
            }
            let outcome = tracker.outcome(Instant::now());
            if let Some(progress) = tracker.take_progress() {
                context.report(progress);
            }
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
            if polling.is_none() && tracker.is_poll_due(Instant::now()) {
                let (client, names) = (self.client.clone(), names.clone());
                polling = Some(BackgroundCall::start(move || client.poll_order(&names)));
            }
            events.deliver_next(&mut tracker, context);
            if events.should_reconnect(reconnect) {
                events = EventSource::new(self.open_socket(remote));
            }
        }
    }

    /// Fetches the result; `None` if it does not exist any more. Its location is saved first: a restarted
    /// server forgets its history but keeps the file.
    fn result(
        &self,
        picture: &PictureRef,
        remote: &mut RemoteOrder,
        context: &dyn JobContext,
    ) -> Result<Option<Vec<u8>>, StylistError> {
        update_details(remote, context, |details| {
            details.result = Some(picture.clone());
        })?;
        let mut last = CallError::Malformed;
        for _ in 0..FETCHES {
            let (client, picture) = (self.client.clone(), picture.clone());
            let fetching = BackgroundCall::start(move || client.picture(&picture));
            match fetching.wait_or_cancel(context)? {
                Ok(picture) => return Ok(Some(picture)),
                Err(CallError::Refused { status: 404, .. }) => return Ok(None),
                Err(error @ (CallError::TooLong | CallError::Refused { .. })) => {
                    return Err(server_error::failed(
                        server_error::CANNOT,
                        &error.to_string(),
                    ));
                }
                Err(error) => last = error,
            }
        }
        Err(server_error::unavailable(&last.to_string()))
    }
}

/// Changes the details of a remote order and saves it.
fn update_details(
    remote: &mut RemoteOrder,
    context: &dyn JobContext,
    change: impl FnOnce(&mut RemoteDetails),
) -> Result<(), StylistError> {
    let mut details = RemoteDetails::of(remote);
    change(&mut details);
    details.store_in(remote);
    context.save_remote_order(remote)
}

/// Saves the server's id of an order if it differs from ours.
fn save_server_id(
    remote: &mut RemoteOrder,
    context: &dyn JobContext,
    order: String,
) -> Result<(), StylistError> {
    if order == OrderNames::of(remote).order {
        return Ok(());
    }
    update_details(remote, context, |details| details.order = Some(order))
}
