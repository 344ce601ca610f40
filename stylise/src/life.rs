//! Which event leads from which state to which.

use thiserror::Error;

use crate::job::State;

/// Something that happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is its turn.
    Taken,
    /// Its picture is on the way to the stylist.
    UploadBegan,
    /// The stylist has it in its own queue, or is at work.
    StylistHasIt,
    /// The stylist is away, or the program ended meanwhile: back to the queue.
    PutBack,
    /// The result is on disk.
    Kept,
    /// It cannot be done.
    Broke,
    /// The visitor does not want it any more.
    Declined,
    /// The result is not on the disk any more.
    ResultLost,
    /// Its pictures were kept long enough.
    TimeOver,
}

/// That cannot happen to a job in that state.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{event:?} cannot happen to a job that is {state:?}")]
pub(crate) struct Illegal {
    state: State,
    event: Event,
}

/// The state after `event`.
pub(crate) fn next(state: State, event: Event) -> Result<State, Illegal> {
    use State::{Cancelled, Done, Expired, Failed, Queued, Running, Uploading};
    let next = match (event, state) {
        (Event::Taken, Queued) | (Event::StylistHasIt, Uploading | Running) => Running,
        (Event::UploadBegan, Uploading | Running) => Uploading,
        (Event::PutBack, Uploading | Running) => Queued,
        (Event::Kept, Uploading | Running) => Done,
        (Event::Broke, Queued | Uploading | Running) | (Event::ResultLost, Done) => Failed,
        (Event::Declined, Queued | Uploading | Running) => Cancelled,
        (Event::TimeOver, Queued | Uploading | Running | Done | Failed | Cancelled) => Expired,
        _ => return Err(Illegal { state, event }),
    };
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 7] = [
        State::Queued,
        State::Uploading,
        State::Running,
        State::Done,
        State::Failed,
        State::Cancelled,
        State::Expired,
    ];
    const EVENTS: [Event; 9] = [
        Event::Taken,
        Event::UploadBegan,
        Event::StylistHasIt,
        Event::PutBack,
        Event::Kept,
        Event::Broke,
        Event::Declined,
        Event::ResultLost,
        Event::TimeOver,
    ];

    #[test]
    fn the_usual_way() {
        let mut state = State::Queued;
        for event in [
            Event::Taken,
            Event::UploadBegan,
            Event::PutBack,
            Event::Taken,
            Event::UploadBegan,
            Event::StylistHasIt,
            Event::StylistHasIt,
            Event::Kept,
            Event::TimeOver,
        ] {
            state = next(state, event).expect("the usual way is legal");
        }
        assert_eq!(state, State::Expired);
    }

    #[test]
    fn what_is_over_stays_over() {
        for state in STATES.into_iter().filter(|state| state.is_over()) {
            for event in EVENTS {
                let next = next(state, event);
                let may = event == Event::TimeOver && state != State::Expired
                    || event == Event::ResultLost && state == State::Done;
                assert_eq!(next.is_ok(), may, "{event:?} of {state:?} gave {next:?}");
                assert!(next.is_ok_and(State::is_over) || !may);
            }
        }
    }

    #[test]
    fn a_late_result_of_a_cancelled_job_is_refused() {
        let refused = next(State::Cancelled, Event::Kept).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "Kept cannot happen to a job that is Cancelled"
        );
    }

    #[test]
    fn a_result_cannot_come_before_a_turn() {
        assert!(next(State::Queued, Event::Kept).is_err());
        assert!(next(State::Running, Event::Taken).is_err(), "taken twice");
    }
}
