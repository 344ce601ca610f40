//! Who wants to hear of which job.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::job::JobId;

/// A number for each followed job that grows when its view may have changed. Who is slow sees only the newest.
#[derive(Debug, Default)]
pub(crate) struct Followers(HashMap<JobId, watch::Sender<u64>>);

impl Followers {
    pub(crate) fn follow(&mut self, job: JobId) -> watch::Receiver<u64> {
        let sender = self.0.entry(job).or_insert_with(|| watch::channel(0).0);
        sender.subscribe()
    }

    /// Of that job only.
    pub(crate) fn tell(&mut self, job: JobId) {
        if let Some(sender) = self.0.get(&job) {
            sender.send_modify(|serial| *serial += 1);
        }
    }

    /// Of all: places in a queue have moved.
    pub(crate) fn tell_all(&mut self) {
        self.0.retain(|_, sender| sender.receiver_count() > 0);
        for sender in self.0.values() {
            sender.send_modify(|serial| *serial += 1);
        }
    }

    /// For the last time: the job is no more.
    pub(crate) fn gone(&mut self, job: JobId) {
        self.tell(job);
        self.0.remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_hear_of_changes_and_of_the_end_and_are_forgotten_when_they_leave() {
        let mut followers = Followers::default();
        let job = JobId::random();
        let mut one = followers.follow(job);
        let other = followers.follow(job);
        followers.tell(job);
        followers.tell_all();
        assert!(one.has_changed().expect("not gone"));
        assert_eq!(*one.borrow_and_update(), 2);
        drop(other);
        followers.gone(job);
        assert_eq!(*one.borrow(), 3, "the last word is heard");
        assert!(one.has_changed().is_err(), "and then it is over");
        drop(followers.follow(job));
        followers.tell_all();
        assert!(followers.0.is_empty());
    }
}
