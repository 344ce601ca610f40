//! What goes into the booth and comes out of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

use crate::error::BoothError;
use crate::intake::Intake;
use crate::job::{JobId, State};
use crate::style::MadeBy;

/// What a visitor asks for.
#[derive(Debug)]
pub struct Submission {
    /// Who asks: a random cookie, else an address. Only compared, never shown, erased with the job.
    pub visitor: String,
    /// The address that it came from, or a digest of it. As the visitor.
    pub address: String,
    /// The id of a style.
    pub style: String,
    /// Who may make it: what the visitor agreed to. None: whoever offers it first.
    pub made_by: Option<MadeBy>,
    /// The checked picture.
    pub source: Intake,
    /// Whether the result may be shown in the gallery.
    pub share: bool,
    /// The same key of the same visitor gives the same job.
    pub key: Option<RequestKey>,
}

/// What a client calls its request, so that it can send it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The name that the client chose.
    pub id: Uuid,
    /// A digest of what was asked: a key is good for one request.
    pub form: String,
}

/// A job that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// As it stands.
    pub job: JobView,
    /// False when its key was known.
    pub is_new: bool,
}

/// Why a submission was not taken.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The queue is full.
    #[error("the queue is full: try again in about {} s", retry_after.as_secs())]
    Full {
        /// When a place is expected to be free.
        retry_after: Duration,
    },
    /// Too many wait that came from the same address.
    #[error(
        "many pictures from your network wait already: try again in about {} s",
        retry_after.as_secs()
    )]
    AddressFull {
        /// When one of them may be made.
        retry_after: Duration,
    },
    /// The key was given before, for something else.
    #[error("this Idempotency-Key was used for another request: a new request needs a new key")]
    KeyReused,
    /// The visitor has too many unfinished jobs.
    #[error("your earlier pictures come first: try again in about {} s", retry_after.as_secs())]
    TooMany {
        /// When the first of them is expected to be finished.
        retry_after: Duration,
    },
    /// Nobody offers that style now.
    #[error("there is no style {0:?}: choose one of GET /api/styles")]
    UnknownStyle(String),
    /// Nobody offers any style now.
    #[error("no picture can be stylised now: {0}")]
    NoStylist(String),
    /// The store does not work.
    #[error(transparent)]
    Broken(#[from] BoothError),
}

/// A job as its visitor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobView {
    /// Its name.
    pub id: JobId,
    /// The id of its style.
    pub style: String,
    /// Who makes it.
    pub made_by: MadeBy,
    /// Where it stands.
    pub state: State,
    /// How many orders end before it begins, those of others in ComfyUI's own queue included: 0 for the next
    /// one; none once it is at work.
    pub position: Option<u32>,
    /// When the result is expected, in seconds from now; none when it is over, or nobody can tell.
    pub expected_wait_s: Option<u32>,
    /// Steps done.
    pub step: Option<u32>,
    /// Steps in all.
    pub steps: Option<u32>,
    /// Why it failed and what to do, for people.
    pub error: Option<String>,
    /// What it waits for, for people. No failure: it goes on by itself.
    pub note: Option<String>,
    /// The same for programs, where it is one of these.
    pub waits_for: Option<WaitsFor>,
    /// Whether the result may be shown in the gallery.
    pub share: bool,
    /// Whether the picture it began with is kept.
    pub has_source: bool,
    /// Whether the result is kept.
    pub has_result: bool,
    /// Grows with each picture of the unfinished work; 0 without one.
    pub preview_serial: u64,
    /// When everything of it is erased.
    pub expires_at_unix_ms: u64,
    /// When it was submitted.
    pub created_at_unix_ms: u64,
}

/// What a job waits for besides its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitsFor {
    /// The server that makes it is away.
    Server,
    /// Orders of others are before it in the server's own queue.
    Others,
}

/// What [`Booth::remove`](crate::Booth::remove) did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// It was unfinished, and is cancelled now.
    Cancelled(JobView),
    /// It was over; nothing is left of it.
    Erased,
}

/// Which picture of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one it began with.
    Source,
    /// The stylised one.
    Result,
    /// The newest one of the unfinished work.
    Preview,
}

/// The name of a picture in the gallery: random, and no relation to the name of its job, with which the
/// picture could be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GalleryId(Uuid);

/// What was given is not the name of a picture in the gallery.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not the name of a picture in the gallery: GET /api/gallery has them")]
pub struct GalleryIdError;

impl GalleryId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl From<Uuid> for GalleryId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for GalleryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Serialize for GalleryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for GalleryId {
    type Err = GalleryIdError;

    fn from_str(text: &str) -> Result<Self, GalleryIdError> {
        Uuid::try_parse(text).map(Self).map_err(|_| GalleryIdError)
    }
}

/// A picture in the gallery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its name there.
    pub id: GalleryId,
    /// The id of its style.
    pub style: String,
    /// Who made it.
    pub made_by: MadeBy,
    /// When it was finished.
    pub made_at_unix_ms: u64,
    /// Taken off the wall by the owner.
    pub hidden: bool,
}
