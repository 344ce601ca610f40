//! The newest events, numbered, so that a listener continues where it was. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{EventDetail, StationEvent};

/// The position of an event in the order of all events of this run.
pub(super) type Number = u64;

/// Events of one run of the program.
#[derive(Debug)]
pub(super) struct RecentEvents {
    /// Begins every id: numbers start again with each run.
    run: String,
    /// Of the newest event; 0: there is none.
    newest: Number,
    kept: VecDeque<Arc<StationEvent>>,
    capacity: usize,
}

/// What comes after a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    Event(Arc<StationEvent>),
    /// Nothing, so far.
    Nothing,
    /// So many events came that the next one is not kept any more.
    Missed(u64),
}

impl RecentEvents {
    pub(super) fn new(run: String, capacity: usize) -> Self {
        Self {
            run,
            newest: 0,
            kept: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    pub(super) fn newest(&self) -> Number {
        self.newest
    }

    pub(super) fn id(&self, number: Number) -> String {
        format!("{}-{number}", self.run)
    }

    pub(super) fn append(&mut self, detail: EventDetail, time: String) {
        if self.kept.len() == self.capacity {
            // overflow: newest-wins (a follower that was not so far is told how many it missed)
            self.kept.pop_front();
        }
        self.newest += 1;
        let id = self.id(self.newest);
        self.kept
            .push_back(Arc::new(StationEvent { id, time, detail }));
    }

    pub(super) fn after(&self, number: Number) -> After {
        let behind = self.newest.saturating_sub(number);
        if behind == 0 {
            return After::Nothing;
        }
        let back = usize::try_from(behind).unwrap_or(usize::MAX);
        match self.kept.len().checked_sub(back) {
            Some(index) => After::Event(Arc::clone(&self.kept[index])),
            None => After::Missed(behind),
        }
    }

    /// The number of an event of this run that can be continued after.
    pub(super) fn position(&self, id: &str) -> Option<Number> {
        let (run, number) = id.split_once('-')?;
        let number = number.parse().ok().filter(|_| run == self.run)?;
        let is_kept = !matches!(self.after(number), After::Missed(_));
        (number <= self.newest && is_kept).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_events(count: usize) -> RecentEvents {
        let mut recent = RecentEvents::new("abc".to_owned(), 3);
        for count in 1..=count {
            recent.append(EventDetail::Viewers { count }, String::new());
        }
        recent
    }

    fn ids_after(recent: &RecentEvents, mut number: Number) -> Vec<String> {
        let mut ids = Vec::new();
        while let After::Event(event) = recent.after(number) {
            ids.push(event.id.clone());
            number += 1;
        }
        ids
    }

    #[test]
    fn a_listener_continues_after_the_last_event_that_it_got() {
        let recent = with_events(5);
        assert_eq!(recent.position("abc-3"), Some(3));
        assert_eq!(ids_after(&recent, 3), ["abc-4", "abc-5"]);
        assert_eq!(recent.position("abc-2"), Some(2), "the next one is kept");
        assert_eq!(ids_after(&recent, 2).len(), 3);
        assert_eq!(ids_after(&recent, 5), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_kept_any_more_was_missed() {
        let recent = with_events(5);
        assert_eq!(recent.after(1), After::Missed(4));
        assert_eq!(recent.position("abc-1"), None);
    }

    #[test]
    fn ids_of_other_runs_and_wrong_ones_are_no_positions() {
        let recent = with_events(5);
        for id in ["abd-4", "abc-6", "abc-x", "abc", "", "-", "abc--1"] {
            assert_eq!(recent.position(id), None, "{id}");
        }
        let first = RecentEvents::new("abc".to_owned(), 3);
        assert_eq!(first.position("abc-0"), Some(0));
        assert_eq!(first.after(0), After::Nothing);
    }
}
