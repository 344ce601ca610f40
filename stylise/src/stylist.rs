//! The [`Stylist`] trait: what the built-in styles and ComfyUI have in common.

use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::job::JobId;
use crate::people::FocusPoint;
use crate::photo_kind::PhotoKind;
use crate::shared_pictures::SharedPictures;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Style {
    /// The id in requests: lower-case letters, digits and dashes, stable over restarts.
    pub id: String,
    /// The title on the style card, in English.
    pub title: String,
    pub made_by: MadeBy,
    /// Whether its stylist is unavailable. It can still be ordered, and is made later.
    pub away: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MadeBy {
    #[serde(rename = "laptop")]
    BuiltIn,
    Comfyui,
}

impl MadeBy {
    pub(crate) const ALL: [Self; 2] = [Self::BuiltIn, Self::Comfyui];

    /// The name in JSON, metrics and the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "laptop",
            Self::Comfyui => "comfyui",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::BuiltIn => "this laptop",
            Self::Comfyui => "the picture server",
        }
    }
}

impl FromStr for MadeBy {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

/// Makes stylised pictures. The booth runs each stylist on its own thread, one order at a time, so every
/// method may block.
///
/// The smallest stylist has one style and returns the picture unchanged:
///
/// ```
/// use stylise::{JobContext, MadeBy, Order, RemoteOrder, Style, Stylist, StylistError};
///
/// struct Unchanged;
///
/// impl Stylist for Unchanged {
///     fn made_by(&self) -> MadeBy {
///         MadeBy::BuiltIn
///     }
///
///     fn styles(&self) -> Vec<Style> {
///         let (id, title) = ("unchanged".to_owned(), "Unchanged".to_owned());
///         vec![Style { id, title, made_by: MadeBy::BuiltIn, away: false }]
///     }
///
///     fn ready(&self) -> Result<(), StylistError> {
///         Ok(())
///     }
///
///     fn stylise(&self, order: &Order, context: &dyn JobContext) -> Result<Vec<u8>, StylistError> {
///         if context.is_cancelled() {
///             return Err(StylistError::Cancelled);
///         }
///         Ok(order.source.clone())
///     }
///
///     fn forget(&self, _order: &RemoteOrder) -> Result<(), StylistError> {
///         Ok(())
///     }
/// }
/// ```
pub trait Stylist: Send + Sync + 'static {
    /// The kind of stylist. Each kind has its own queue and thread.
    fn made_by(&self) -> MadeBy;

    /// Gives the gallery to stylists that make pictures of it. Called by the booth when it has opened, before
    /// any order.
    fn use_gallery(&self, _gallery: Arc<dyn SharedPictures>) {}

    /// The styles on offer. An unavailable server keeps the styles that it offered last; one that never
    /// answered has none.
    fn styles(&self) -> Vec<Style>;

    /// Groups jobs that take equally long, for waiting times: for example the workflow of a style.
    fn workload(&self, style: &str) -> String {
        style.to_owned()
    }

    /// Whether a job would be accepted now. The booth asks before it retries after an outage, and marks
    /// styles as away.
    ///
    /// # Errors
    /// Only [`StylistError::Unavailable`], with a reason for visitors.
    fn ready(&self) -> Result<(), StylistError>;

    /// Makes the picture of an order and returns it as JPEG, PNG or WebP. The booth decodes and re-encodes
    /// it before anybody sees it.
    ///
    /// Returns within a second after the order was cancelled. If `order.remote` is set, the order was
    /// sent before a restart: fetch its result, and send it again only if the server does not know it any
    /// more, at most twice in total.
    ///
    /// # Errors
    /// See [`StylistError`]: the variant decides whether the job fails or is queued again.
    fn stylise(&self, order: &Order, context: &dyn JobContext) -> Result<Vec<u8>, StylistError>;

    /// Erases an order on its server, including pictures, as far as the server allows it. Succeeds if there
    /// is nothing to erase. Called by the janitor when a job is over, until it succeeds.
    ///
    /// # Errors
    /// [`StylistError::Unavailable`]: retry later.
    fn forget(&self, remote: &RemoteOrder) -> Result<(), StylistError>;
}

/// What a stylist is to make.
#[derive(Debug, Clone)]
pub struct Order {
    /// For the log.
    pub job: JobId,
    /// One of [`Stylist::styles`] when it was submitted.
    pub style: String,
    /// Several shots are on one sheet.
    pub photo_kind: PhotoKind,
    /// The source picture: an upright JPEG without metadata from our own encoder.
    pub source: Vec<u8>,
    /// Set if the order was sent before a restart.
    pub remote: Option<RemoteOrder>,
}

/// An order on a stylist's server. Saved before the order is sent, so that neither a lost answer nor a crash
/// leaves an order on the server that nobody erases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteOrder {
    /// The order's id, chosen here (ComfyUI: `prompt_id`).
    pub id: Uuid,
    /// How often the order was sent.
    pub sends: u8,
    /// The stylist's own data about the order; opaque to the booth.
    pub details: Option<String>,
}

/// The booth's side of a running order: progress, previews and cancellation. No method waits for a viewer.
pub trait JobContext {
    fn report(&self, progress: Progress);

    /// Reports a preview of unfinished work, as the server sent it.
    fn preview(&self, picture: Vec<u8>);

    /// Reports the point of the result that crops of it keep. Not called where no face was found.
    fn set_focus(&self, _focus: FocusPoint) {}

    /// Saves the remote order or a change of it. It is on disk when this returns.
    ///
    /// # Errors
    /// It could not be saved; the order must not be sent then.
    fn save_remote_order(&self, remote: &RemoteOrder) -> Result<(), StylistError>;

    /// Whether the job is cancelled: return [`StylistError::Cancelled`] soon.
    fn is_cancelled(&self) -> bool;

    /// Whether the program stops: return [`StylistError::Stopping`] soon, and leave the order on the server.
    fn is_stopping(&self) -> bool;
}

/// The progress of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The picture is being sent to the server.
    Uploading,
    /// Waiting in the server's own queue.
    Waiting {
        /// Orders ahead of it, including the running one.
        ahead: u32,
    },
    /// The stylist works on it.
    Running {
        /// Steps completed; 0 before the first.
        step: u32,
        /// Steps in total; 0 if unknown.
        steps: u32,
    },
}

/// Why a stylist returned no picture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StylistError {
    #[error("cancelled")]
    Cancelled,
    /// The program stops; the order stays on the server.
    #[error("the program ends")]
    Stopping,
    /// The stylist is unavailable. The job is queued again and waits. The text is for visitors.
    #[error("{0}")]
    Unavailable(String),
    /// The job fails. The text tells visitors why, and what to do.
    #[error("{0}")]
    Failed(String),
}
