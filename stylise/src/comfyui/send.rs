//! An order on its way to the server: the picture, the ticket, the workflow.

use std::sync::Arc;

use uuid::Uuid;

use super::answers::Accepted;
use super::client::{CallError, Client};
use super::errand::Errand;
use super::refusal::Refusal;
use super::socket::Socket;
use super::withdraw::withdraw;
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
        let ticket = Ticket {
            id: Uuid::new_v4(),
            sends,
        };
        let opening = self.open_socket(&ticket);
        let mut is_kept = false;
        for _ in 0..2 {
            desk.report(Progress::Uploading);
            let image = self.upload(&ticket, desk)?;
            if !is_kept {
                desk.keep_ticket(&ticket)?;
                is_kept = true;
            }
            if let Step::Went(known) = self.order(&ticket, &image, desk)? {
                return Ok(Sent {
                    ticket,
                    known,
                    opening,
                });
            }
        }
        let why =
            "The ComfyUI server does not keep pictures that are sent to it: is its disk full?";
        Err(Trouble::Failed(why.to_owned()))
    }

    pub(super) fn open_socket(&self, ticket: &Ticket) -> Errand<Socket> {
        let (endpoint, id) = (self.client.endpoint.clone(), ticket.id.to_string());
        Errand::start(move || Socket::open(&endpoint, &id))
    }

    fn upload(&self, ticket: &Ticket, desk: &dyn Desk) -> Result<String, Trouble> {
        let name = format!("carrier-{}.jpg", ticket.id);
        let (client, source) = (self.client.clone(), Arc::clone(&self.source));
        let uploading = Errand::start(move || client.upload(&name, &source));
        uploading.attend(desk)?.map_err(|error| match error {
            CallError::Unreachable(_) => Trouble::Away(error.words()),
            CallError::Refused { status, body } => refused(Refusal::read(status, &body)),
            CallError::TooLong | CallError::Garbled => Trouble::Failed(error.words()),
        })
    }

    /// `Went(false)`: perhaps, since no answer came.
    fn order(&self, ticket: &Ticket, image: &str, desk: &dyn Desk) -> Result<Step<bool>, Trouble> {
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
                    withdraw(&self.client, ticket.id.to_string(), Some(sending));
                }
                return Err(trouble);
            }
        };
        match answer {
            Ok(Accepted::Whole) => Ok(Step::Went(true)),
            Ok(Accepted::WithoutOutput(answer)) => {
                withdraw(&self.client, ticket.id.to_string(), None);
                Err(refused(Refusal::read(400, &answer.to_string())))
            }
            Err(CallError::Refused { status, body }) => match Refusal::read(status, &body) {
                Refusal::PictureGone => Ok(Step::PictureGone),
                refusal => Err(refused(refusal)),
            },
            Err(_) => Ok(Step::Went(false)),
        }
    }
}

fn refused(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Away(why) => Trouble::Away(why),
        Refusal::Final(why) => Trouble::Failed(why),
        Refusal::PictureGone => Trouble::Failed("The ComfyUI server lost the picture.".to_owned()),
    }
}
