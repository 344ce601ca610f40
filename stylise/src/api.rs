//! What callers give the booth and get from it: submissions, views of jobs, and errors.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;

use crate::intake::CheckedPicture;
use crate::job::{GalleryId, JobId, State};
use crate::people::FocusPoint;
use crate::photo_kind::PhotoKind;
use crate::stylist::MadeBy;

/// The booth's folder or database cannot be used.
#[derive(Debug, Error)]
pub enum BoothError {
    /// A file or folder that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Another program has the folder.
    #[error("the booth's folder {} is used by another carrier that runs: end it, or give this one a folder of its own", .0.display())]
    InUse(PathBuf),
    /// SQLite reports damage inside the file.
    #[error(
        "the booth's database {} is damaged ({what}): move it away together with {}-wal and {}-shm; \
         its jobs are lost then, and their pictures are erased at the next start",
        file.display(), file.display(), file.display()
    )]
    Damaged { file: PathBuf, what: String },
    /// The database was written by a newer carrier.
    #[error(
        "the booth's database {} was written by {written_by} (schema {found}), and this is carrier {program}, \
         which knows up to schema {known}: install {written_by}, or restore a backup that was made with carrier \
         {program} (`carrier restore`); a copy from before the upgrade, if it is younger than the pictures are \
         kept, is {}.before-upgrade",
        file.display(), file.display()
    )]
    Newer {
        file: PathBuf,
        /// The program, in words.
        written_by: String,
        found: i64,
        /// This program's version.
        program: &'static str,
        known: i64,
    },
    /// The database was deleted while the program runs, and cannot be recreated.
    #[error(
        "the booth's database {} was deleted while the program runs, and cannot be written anew: {what}",
        file.display()
    )]
    Gone { file: PathBuf, what: String },
    /// A statement failed, for example because the disk is full.
    #[error("the booth's database {}: {source}", file.display())]
    Database {
        file: PathBuf,
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("a thread of the booth could not be started: {0}")]
    Thread(io::Error),
}

/// A picture to be stylised, and how.
#[derive(Debug)]
pub struct Submission {
    /// Who submits: the visitor's cookie, or the address if there is none. Only compared, never shown,
    /// erased with the job.
    pub visitor: String,
    /// The address of the submitter, or a digest of it; handled like `visitor`.
    pub address: String,
    /// The id of a style.
    pub style: String,
    /// Several shots come as one sheet.
    pub photo_kind: PhotoKind,
    /// The stylist that the visitor consented to. `None`: whichever offers the style first.
    pub made_by: Option<MadeBy>,
    pub source: CheckedPicture,
    /// Whether the result may be shown in the gallery.
    pub share: bool,
    /// Makes the request idempotent: the same visitor and key give the same job.
    pub key: Option<RequestKey>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The `Idempotency-Key` that the client chose.
    pub id: Uuid,
    /// A digest of the request, to detect a key that is reused for something else.
    pub form: String,
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    pub job: JobView,
    /// False when the idempotency key already had a job.
    pub is_new: bool,
}

/// The shortest side of a shot on a sheet.
pub(crate) const SHOT_MIN_PX: u32 = 64;

/// Why a submission was rejected.
#[derive(Debug, Error)]
pub enum SubmitError {
    #[error("the queue is full: try again in about {} s", retry_after.as_secs())]
    Full { retry_after: Duration },
    /// The submitter's address holds its share of the queue.
    #[error(
        "many pictures from your network wait already: try again in about {} s",
        retry_after.as_secs()
    )]
    AddressFull { retry_after: Duration },
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request: a new request needs a new key")]
    KeyReused,
    /// The visitor has the maximum number of unfinished jobs.
    #[error("your earlier pictures come first: try again in about {} s", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    /// A server makes one picture of one picture.
    #[error(
        "a strip and a boomerang are made on this machine only: leave made_by out, or send laptop"
    )]
    OneShotOnly,
    /// The sheet is too small for its shots.
    #[error("the sheet of {} shots is too small: each needs {min} pixels on each side", .0.shots(), min = SHOT_MIN_PX)]
    SmallShots(PhotoKind),
    /// No stylist offers this style now.
    #[error("there is no style {0:?}: choose one of GET /api/styles")]
    UnknownStyle(String),
    /// No stylist offers any style now.
    #[error("no picture can be stylised now: {0}")]
    NoStylist(String),
    /// The database or a file failed.
    #[error(transparent)]
    Broken(#[from] BoothError),
}

impl SubmitError {
    /// The labels of the metric that counts rejected submissions.
    pub(crate) const REASONS: [&str; 7] = [
        "queue_full",
        "address_full",
        "key_reused",
        "too_many_of_visitor",
        "unknown_style",
        "no_stylist",
        "unfit_sheet",
    ];

    /// One of [`SubmitError::REASONS`]; `None` for a failure of the booth itself.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        let index = match self {
            Self::Full { .. } => 0,
            Self::AddressFull { .. } => 1,
            Self::KeyReused => 2,
            Self::TooMany { .. } => 3,
            Self::UnknownStyle(_) => 4,
            Self::NoStylist(_) => 5,
            Self::OneShotOnly | Self::SmallShots(_) => 6,
            Self::Broken(_) => return None,
        };
        Some(Self::REASONS[index])
    }
}

/// A job as its visitor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JobView {
    pub id: JobId,
    /// The id of its style.
    pub style: String,
    pub made_by: MadeBy,
    pub photo_kind: PhotoKind,
    pub state: State,
    /// Jobs and orders that finish before this one starts, including other people's orders in ComfyUI's own
    /// queue. 0 for the next one; `None` once it runs.
    pub position: Option<u32>,
    /// Expected seconds until the result; `None` when the job is over or no estimate exists.
    pub expected_wait_s: Option<u32>,
    pub step: Option<u32>,
    pub steps: Option<u32>,
    /// Why the job failed and what to do, as text for visitors.
    pub error: Option<String>,
    /// What the job waits for, as text for visitors. Not a failure: the job continues by itself.
    pub note: Option<String>,
    /// What the job waits for, for programs.
    pub waits_for: Option<WaitsFor>,
    /// Whether the result may be shown in the gallery.
    pub share: bool,
    /// Whether a shared result may be shown on other carriers, too.
    pub is_on_carriers: bool,
    /// The result's id in the gallery; `None`: it is not shown there.
    pub gallery: Option<GalleryId>,
    /// Why a shared result is not in the gallery; `None`: it is, or it is not shared.
    pub withheld: Option<Withheld>,
    /// Whether the submitted picture is still stored.
    pub has_source: bool,
    /// Whether the result is stored.
    pub has_result: bool,
    /// Increases with each preview; 0 without one.
    pub preview_serial: u64,
    /// When the job and its pictures are erased.
    pub expires_at_unix_ms: u64,
    pub created_at_unix_ms: u64,
}

/// What a queued job waits for besides its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaitsFor {
    /// The server that makes it is unavailable.
    Server,
    /// Other people's orders are ahead of it in the server's own queue.
    Others,
    /// The station restarts; the job goes on after that.
    Restart,
}

/// Why the gallery does not show a shared result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Withheld {
    /// The owner has not looked at it yet.
    Waits,
    /// The owner does not show it.
    Refused,
}

/// What [`Booth::remove`](crate::Booth::remove) did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// The job was unfinished; it is now cancelled.
    Cancelled(JobView),
    /// The job was over; everything of it is erased.
    Erased,
}

/// Which picture of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    Source,
    Result,
    /// The newest preview of unfinished work.
    Preview,
}

/// A picture in the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GalleryPicture {
    pub id: GalleryId,
    /// The id of its style.
    pub style: String,
    pub made_by: MadeBy,
    /// When the job finished.
    pub made_at_unix_ms: u64,
    /// When it is erased.
    pub expires_at_unix_ms: u64,
    /// Whether the owner of the station hid it.
    pub hidden: bool,
    /// Whether it waits for the owner's approval; nobody else sees it until then.
    pub waits: bool,
    pub photo_kind: PhotoKind,
    /// What crops of it keep; `None`: no face was found.
    pub focus: Option<FocusPoint>,
    /// Whether its visitor agreed to show it on other carriers, too.
    pub is_on_carriers: bool,
}
