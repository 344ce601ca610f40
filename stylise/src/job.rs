//! What a job is called, and the states it goes through.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

/// The name of a job: 122 random bits. Who knows it may see, share and erase the job, so it never stands
/// in a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(Uuid);

/// What was given is not the name of a job.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not the name of a job: it is a UUID, such as POST /api/stylise answers")]
pub struct JobIdError;

impl JobId {
    /// One that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// Not the name itself: logs are read by more people than may see the picture.
impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A UUID's own formatter takes no precision.
        let (first, ..) = self.0.as_fields();
        write!(f, "JobId({first:08x}…)")
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, JobIdError> {
        Uuid::try_parse(text).map(Self).map_err(|_| JobIdError)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Kept, and waiting for its turn: here, or behind the orders of others at the stylist's server.
    Queued,
    /// Its picture is on the way to the stylist.
    Uploading,
    /// The stylist has it.
    Running,
    /// The result is kept.
    Done,
    /// It will not be tried again; its error says what to do.
    Failed,
    /// Its visitor did not want it any more.
    Cancelled,
    /// Its pictures were erased because their time was over.
    Expired,
}

impl State {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Uploading => "uploading",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing more will happen by itself but expiry.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Cancelled | Self::Expired
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_not_shown_whole_in_logs() {
        let id = JobId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(format!("{id:?}").len() < 20, "{id:?}");
        assert_eq!("../etc/passwd".parse::<JobId>(), Err(JobIdError));
    }
}
