//! Who follows which job, and which jobs are to be looked at again for them.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Condvar};

use tokio::sync::watch;

use crate::job::JobId;
use crate::view::JobView;

/// The newest view of each followed job. All followers of a job share it, and whoever is slow sees only the newest.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    jobs: HashMap<JobId, watch::Sender<Arc<JobView>>>,
    changed: Changed,
    news: Arc<Condvar>,
}

/// Whose view may have changed since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
enum Changed {
    #[default]
    Nothing,
    Some(HashSet<JobId>),
    All,
}

impl Followers {
    /// `view` is how the job looks now.
    pub(crate) fn follow(&mut self, view: JobView) -> watch::Receiver<Arc<JobView>> {
        let job = view.id;
        let sender = self.jobs.entry(job);
        let sender = sender.or_insert_with(|| watch::channel(Arc::new(view.clone())).0);
        // Nobody may have followed it for a while.
        let views = sender.subscribe();
        self.show(view);
        views
    }

    /// That job only has changed.
    pub(crate) fn tell(&mut self, job: JobId) {
        if !self.jobs.contains_key(&job) {
            return;
        }
        match &mut self.changed {
            Changed::All => {}
            Changed::Some(jobs) => drop(jobs.insert(job)),
            Changed::Nothing => self.changed = Changed::Some(HashSet::from([job])),
        }
        self.news.notify_one();
    }

    /// All may have changed: places in a queue have moved.
    pub(crate) fn tell_all(&mut self) {
        self.jobs.retain(|_, sender| sender.receiver_count() > 0);
        if !self.jobs.is_empty() {
            self.changed = Changed::All;
            self.news.notify_one();
        }
    }

    /// The job is no more: those who follow it hear the end.
    pub(crate) fn gone(&mut self, job: JobId) {
        self.jobs.remove(&job);
    }

    /// The followed jobs that have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<JobId> {
        match mem::take(&mut self.changed) {
            Changed::Nothing => Vec::new(),
            Changed::Some(jobs) => jobs.into_iter().collect(),
            Changed::All => self.jobs.keys().copied().collect(),
        }
    }

    /// Whether [`Followers::take_changed`] has anything.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed != Changed::Nothing
    }

    /// How a job looks now. Its followers wake only if that is news.
    pub(crate) fn show(&self, view: JobView) {
        if let Some(sender) = self.jobs.get(&view.id) {
            sender.send_if_modified(|shown| {
                let is_news = **shown != view;
                if is_news {
                    *shown = Arc::new(view);
                }
                is_news
            });
        }
    }

    /// Rung when something has changed.
    pub(crate) fn news(&self) -> Arc<Condvar> {
        Arc::clone(&self.news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::State;
    use crate::style::MadeBy;

    fn view(id: JobId, position: u32) -> JobView {
        JobView {
            id,
            style: "oil".to_owned(),
            made_by: MadeBy::Laptop,
            state: State::Queued,
            position: Some(position),
            expected_wait_s: None,
            step: None,
            steps: None,
            error: None,
            note: None,
            waits_for: None,
            share: false,
            has_source: true,
            has_result: false,
            preview_serial: 0,
            expires_at_unix_ms: 2000,
            created_at_unix_ms: 1000,
        }
    }

    #[test]
    fn all_followers_of_a_job_share_one_view_and_wake_only_for_news() {
        let mut followers = Followers::default();
        let job = JobId::random();
        let mut one = followers.follow(view(job, 3));
        let other = followers.follow(view(job, 3));
        followers.show(view(job, 3));
        assert!(!one.has_changed().expect("not gone"), "no news");
        followers.show(view(job, 2));
        assert_eq!(one.borrow_and_update().position, Some(2));
        assert!(Arc::ptr_eq(&one.borrow(), &other.borrow()));
        drop(other);
        followers.gone(job);
        assert!(one.has_changed().is_err(), "the end is heard");
        drop(followers.follow(view(job, 1)));
        followers.tell_all();
        assert!(followers.jobs.is_empty(), "who left is forgotten");
    }

    #[test]
    fn what_has_changed_is_looked_at_once() {
        let mut followers = Followers::default();
        let [one, other, nobodys] = [0; 3].map(|_| JobId::random());
        let _kept = [one, other].map(|job| followers.follow(view(job, 1)));
        for _ in 0..100 {
            followers.tell(one);
            followers.tell(nobodys);
        }
        assert!(followers.has_changed());
        assert_eq!(followers.take_changed(), [one]);
        assert!(!followers.has_changed());
        followers.tell(one);
        followers.tell_all();
        followers.tell(other);
        assert_eq!(followers.take_changed().len(), 2);
        assert!(followers.take_changed().is_empty());
    }
}
