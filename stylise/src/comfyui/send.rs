//! An order on its way to the server: the picture, the ticket, the workflow.

use std::sync::Arc;

use uuid::Uuid;

use super::answers::{Accepted, annotated};
use super::client::{CallError, Client};
use super::erase::withdraw;
use super::errand::Errand;
use super::events::PictureRef;
use super::memo::{Memo, photo_of};
use super::plain;
use super::refusal::Refusal;
use super::socket::Socket;
use crate::stylist::{Desk, Progress, Ticket, Trouble};
use crate::workflow::{Workflow, WorkflowStyle};

/// What is to be made, and how.
pub(super) struct Job {
    pub(super) client: Client,
    pub(super) workflow: Arc<Workflow>,
    pub(super) style: WorkflowStyle,
    /// See [`super::run::Run`].
    pub(super) outputs: Vec<String>,
    pub(super) source: Arc<[u8]>,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
}

/// An order that was sent, or may have been.
pub(super) struct Sent {
    pub(super) ticket: Ticket,
    /// Whether the server said that it took it.
    pub(super) known: bool,
    pub(super) opening: Errand<Socket>,
}

/// What became of an upload or an order.
enum Step<T> {
    Went(T),
    PictureGone,
}

impl Job {
    /// Sends it for the first or another time.
    pub(super) fn send(&self, sends: u8, desk: &dyn Desk) -> Result<Sent, Trouble> {
        let mut ticket = Ticket {
            id: Uuid::new_v4(),
            sends: sends - 1,
            memo: None,
        };
        let mut memo = Memo {
            only_photo: true,
            ..Memo::default()
        };
        memo.onto(&mut ticket);
        // On disk before the photo leaves: whatever happens, it is erased there.
        desk.keep_ticket(&ticket)?;
        let opening = self.open_socket(&ticket);
        for _ in 0..2 {
            desk.report(Progress::Uploading);
            let photo = self.upload(&ticket, desk)?;
            let image = annotated(&photo);
            memo.photo = (photo != photo_of(&ticket)).then_some(photo).or(memo.photo);
            memo.only_photo = false;
            memo.onto(&mut ticket);
            ticket.sends = sends;
            desk.keep_ticket(&ticket)?;
            if let Step::Went(order) = self.order(&ticket, &image, desk)? {
                if order
                    .as_ref()
                    .is_some_and(|order| *order != ticket.id.to_string())
                {
                    memo.order.clone_from(&order);
                    memo.onto(&mut ticket);
                    desk.keep_ticket(&ticket)?;
                }
                return Ok(Sent {
                    ticket,
                    known: order.is_some(),
                    opening,
                });
            }
        }
        let why =
            "the ComfyUI server does not keep pictures that are sent to it: is its disk full?";
        Err(plain::failed(plain::CANNOT, why))
    }

    pub(super) fn open_socket(&self, ticket: &Ticket) -> Errand<Socket> {
        let (endpoint, id) = (self.client.endpoint.clone(), ticket.id.to_string());
        Errand::start(move || Socket::open(&endpoint, &id))
    }

    fn upload(&self, ticket: &Ticket, desk: &dyn Desk) -> Result<PictureRef, Trouble> {
        let to = photo_of(ticket);
        let (client, source) = (self.client.clone(), Arc::clone(&self.source));
        let uploading = Errand::start(move || client.upload(&to, &source));
        let uploaded = match uploading.attend(desk) {
            Ok(uploaded) => uploaded,
            Err(trouble) => {
                if trouble == Trouble::Cancelled {
                    withdraw(&self.client, ticket, Some(uploading));
                }
                return Err(trouble);
            }
        };
        uploaded.map_err(|error| match error {
            CallError::Unreachable(_) => plain::away(&error.words()),
            CallError::Refused { status, body } => refused(Refusal::read(status, &body)),
            CallError::TooLong | CallError::Garbled => plain::failed(plain::CANNOT, &error.words()),
        })
    }

    /// What the server calls the order; `Went(None)`: perhaps it went, since no answer came.
    fn order(
        &self,
        ticket: &Ticket,
        image: &str,
        desk: &dyn Desk,
    ) -> Result<Step<Option<String>>, Trouble> {
        let seed = u64::from(rand::random::<u32>());
        let graph = self
            .workflow
            .fill(&self.style, image, seed, self.width_px, self.height_px);
        let (client, id) = (self.client.clone(), ticket.id.to_string());
        let output = self.workflow.output().to_owned();
        let sending = Errand::start(move || client.order(&id, &graph, &output));
        let answer = match sending.attend(desk) {
            Ok(answer) => answer,
            Err(trouble) => {
                if trouble == Trouble::Cancelled {
                    withdraw(&self.client, ticket, Some(sending));
                }
                return Err(trouble);
            }
        };
        match answer {
            Ok(Accepted {
                order,
                without_output: None,
            }) => Ok(Step::Went(Some(order))),
            Ok(Accepted {
                order,
                without_output: Some(answer),
            }) => {
                let mut ticket = ticket.clone();
                let mut memo = Memo::of(&ticket);
                memo.order = Some(order);
                memo.onto(&mut ticket);
                withdraw::<()>(&self.client, &ticket, None);
                Err(refused(Refusal::read(400, &answer.to_string())))
            }
            Err(CallError::Refused { status, body }) => match Refusal::read(status, &body) {
                Refusal::PictureGone => Ok(Step::PictureGone),
                refusal => Err(refused(refusal)),
            },
            Err(_) => Ok(Step::Went(None)),
        }
    }
}

fn refused(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Away(why) => plain::away(&why),
        Refusal::Final(why) => plain::failed(plain::CANNOT, &why),
        Refusal::PictureGone => plain::failed(plain::CANNOT, "the ComfyUI server lost the photo"),
    }
}
