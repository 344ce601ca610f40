//! What both kinds of stylists are: the styles made on this laptop, and ComfyUI.

use thiserror::Error;
use uuid::Uuid;

use crate::job::JobId;
use crate::style::{MadeBy, Style};

/// Makes stylised pictures, one call at a time, each on a thread that may wait.
pub trait Stylist: Send + Sync + 'static {
    /// Which kind. Each kind has a queue and a thread of its own.
    fn made_by(&self) -> MadeBy;

    /// What it can make. A server that is away for a while keeps what it could make last; empty when it
    /// never answered.
    fn styles(&self) -> Vec<Style>;

    /// What jobs have in common that take equally long, such as the workflow of a style.
    fn recipe(&self, style: &str) -> String {
        style.to_owned()
    }

    /// Whether it would take a job now, else why not, for visitors.
    ///
    /// # Errors
    /// [`Trouble::Away`], and only that.
    fn ready(&self) -> Result<(), Trouble>;

    /// Does the order: returns the result as the stylist made it (JPEG, PNG or WebP), which the caller
    /// decodes and encodes anew before anybody sees it.
    ///
    /// A cancelled order ends within a second. An order with a ticket was sent before the program ended:
    /// its result is fetched; it is sent a second time only when the server does not know it any more, and
    /// never a third time.
    ///
    /// # Errors
    /// See [`Trouble`].
    fn stylise(&self, order: &Order, desk: &dyn Desk) -> Result<Vec<u8>, Trouble>;

    /// Erases what a server still has of a ticket, pictures included, as far as the server allows it.
    /// Nothing to do is a success.
    ///
    /// # Errors
    /// [`Trouble::Away`]: to be tried again later.
    fn forget(&self, ticket: &Ticket) -> Result<(), Trouble>;
}

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Order {
    /// For logs.
    pub job: JobId,
    /// One of [`Stylist::styles`] at the time it was ordered.
    pub style: String,
    /// The picture: an upright JPEG without metadata, of our own encoder.
    pub source: Vec<u8>,
    /// Given when the order was sent before.
    pub ticket: Option<Ticket>,
}

/// How a server knows an order. Kept on disk before the order is sent, so that an answer that is lost, or
/// a program that ends, leaves no order that nobody knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// ComfyUI's prompt id: chosen here.
    pub id: Uuid,
    /// How often the order was sent, this time included.
    pub sends: u8,
    /// What the stylist wrote down with it; nobody else reads it.
    pub memo: Option<String>,
}

/// What a stylist tells while it works. Called from its thread; none of it waits for a viewer.
pub trait Desk {
    /// Where it stands.
    fn report(&self, progress: Progress);

    /// A picture of the unfinished work, as the server sent it.
    fn preview(&self, picture: Vec<u8>);

    /// Keeps the ticket, or what changed in it; it is on disk when this returns.
    ///
    /// # Errors
    /// When it could not be kept: the order must not be sent then.
    fn keep_ticket(&self, ticket: &Ticket) -> Result<(), Trouble>;

    /// Whether the visitor does not want it any more.
    fn is_cancelled(&self) -> bool;

    /// Whether the program is ending: return [`Trouble::Stopping`] soon, and leave the server at work.
    fn is_stopping(&self) -> bool;
}

/// How far a stylist is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The picture is on its way.
    Uploading,
    /// In the server's own queue, behind so many orders of whomever.
    Waiting {
        /// Orders before it, the running one included.
        ahead: u32,
    },
    /// At work.
    Running {
        /// Steps done; 0 before the first.
        step: u32,
        /// Steps in all; 0 when that is not known.
        steps: u32,
    },
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The visitor did not want it any more.
    #[error("cancelled")]
    Cancelled,
    /// The program ends: the order stays, with its ticket.
    #[error("the program ends")]
    Stopping,
    /// The stylist is not there now. The order goes back to its queue and waits.
    #[error("{0}")]
    Away(String),
    /// It cannot be done; the words say why and what to do, for people.
    #[error("{0}")]
    Failed(String),
}
