//! Job ids and the life cycle of a job: its states, and which event leads from which state to which.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An id of 122 random bits. Its text is a UUID.
macro_rules! random_id {
    ($(#[$meta:meta])* $id:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema)]
        pub struct $id(#[schemars(with = "String")] uuid::Uuid);

        impl $id {
            pub fn random() -> Self {
                Self(uuid::Uuid::new_v4())
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Shortened, because more people read logs than may see the picture.
        impl std::fmt::Debug for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // `Uuid`'s formatter ignores the precision.
                write!(f, "{}({:08x}…)", stringify!($id), self.0.as_fields().0)
            }
        }

        impl serde::Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl std::str::FromStr for $id {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                uuid::Uuid::try_parse(text).map(Self)
            }
        }
    };
}

random_id! {
    /// Identifies a job. Whoever knows it may see, share and erase the job, so no list contains it.
    JobId
}

random_id! {
    /// Identifies a picture in the gallery. Unrelated to the [`JobId`], because whoever knows the job id may
    /// erase the job.
    GalleryId
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Stored, and waiting for its turn here or behind other people's orders on the stylist's server.
    Queued,
    /// Its picture is being sent to the stylist.
    Uploading,
    /// The stylist works on it.
    Running,
    Done,
    /// It failed permanently; its error says what to do.
    Failed,
    Cancelled,
    /// Its pictures were erased at the end of the retention period.
    Expired,
}

impl State {
    /// The name in JSON, metrics and the database.
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

    /// Whether the job is finished. Only expiry and erasure can follow.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Cancelled | Self::Expired
        )
    }
}

impl FromStr for State {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

/// An event in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEvent {
    /// A worker takes it from the queue.
    Taken,
    /// Its picture is being sent to the stylist.
    UploadStarted,
    /// The stylist has it in its own queue, or works on it.
    Started,
    /// It returns to the queue, because the stylist is unavailable or the program ended.
    PutBack,
    /// The result is on disk.
    ResultStored,
    Failed,
    Cancelled,
    /// The result's file is missing.
    ResultLost,
    /// The retention period is over.
    Expired,
}

/// The event is not allowed in this state.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{event:?} cannot happen to a job that is {state:?}")]
pub(crate) struct TransitionError {
    state: State,
    event: JobEvent,
}

pub(crate) fn next(state: State, event: JobEvent) -> Result<State, TransitionError> {
    use State::{Cancelled, Done, Expired, Failed, Queued, Running, Uploading};
    let next = match (event, state) {
        (JobEvent::Taken, Queued) | (JobEvent::Started, Uploading | Running) => Running,
        (JobEvent::UploadStarted, Uploading | Running) => Uploading,
        (JobEvent::PutBack, Uploading | Running) => Queued,
        (JobEvent::ResultStored, Uploading | Running) => Done,
        (JobEvent::Failed, Queued | Uploading | Running) | (JobEvent::ResultLost, Done) => Failed,
        (JobEvent::Cancelled, Queued | Uploading | Running) => Cancelled,
        (JobEvent::Expired, Queued | Uploading | Running | Done | Failed | Cancelled) => Expired,
        _ => return Err(TransitionError { state, event }),
    };
    Ok(next)
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn job_ids_round_trip_and_are_shortened_in_logs() {
        let id = JobId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(format!("{id:?}").len() < 20, "{id:?}");
        assert!("../etc/passwd".parse::<JobId>().is_err());
    }

    const STATES: [State; 7] = [
        State::Queued,
        State::Uploading,
        State::Running,
        State::Done,
        State::Failed,
        State::Cancelled,
        State::Expired,
    ];
    const EVENTS: [JobEvent; 9] = [
        JobEvent::Taken,
        JobEvent::UploadStarted,
        JobEvent::Started,
        JobEvent::PutBack,
        JobEvent::ResultStored,
        JobEvent::Failed,
        JobEvent::Cancelled,
        JobEvent::ResultLost,
        JobEvent::Expired,
    ];

    #[test]
    fn the_usual_events_lead_to_expiry() {
        let mut state = State::Queued;
        for event in [
            JobEvent::Taken,
            JobEvent::UploadStarted,
            JobEvent::PutBack,
            JobEvent::Taken,
            JobEvent::UploadStarted,
            JobEvent::Started,
            JobEvent::Started,
            JobEvent::ResultStored,
            JobEvent::Expired,
        ] {
            state = next(state, event).expect("legal");
        }
        assert_eq!(state, State::Expired);
    }

    #[test]
    fn finished_states_are_final() {
        for state in STATES.into_iter().filter(|state| state.is_over()) {
            for event in EVENTS {
                let next = next(state, event);
                let may = event == JobEvent::Expired && state != State::Expired
                    || event == JobEvent::ResultLost && state == State::Done;
                assert_eq!(next.is_ok(), may, "{event:?} of {state:?} gave {next:?}");
                assert!(next.is_ok_and(State::is_over) || !may);
            }
        }
    }

    #[test]
    fn a_late_result_of_a_cancelled_job_is_refused() {
        let refused = next(State::Cancelled, JobEvent::ResultStored).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "ResultStored cannot happen to a job that is Cancelled"
        );
    }

    #[test]
    fn a_queued_job_cannot_have_a_result() {
        assert!(next(State::Queued, JobEvent::ResultStored).is_err());
        assert!(
            next(State::Running, JobEvent::Taken).is_err(),
            "taken twice"
        );
    }
}
