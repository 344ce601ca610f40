//! Who follows which job, and which jobs need a new view.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar};

use tokio::sync::watch;

use crate::api::JobView;
use crate::job::JobId;

/// The newest view of each followed job, shared by all its followers. A slow follower only sees the newest
/// view.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    jobs: HashMap<JobId, watch::Sender<Arc<JobView>>>,
    /// The jobs whose view may have changed since the last check.
    changed: HashSet<JobId>,
    changed_signal: Arc<Condvar>,
}

impl Followers {
    /// Subscribes to a job; `view` is its current view.
    pub(crate) fn follow(&mut self, view: JobView) -> watch::Receiver<Arc<JobView>> {
        let job = view.id;
        let sender = self.jobs.entry(job);
        let sender = sender.or_insert_with(|| watch::channel(Arc::new(view.clone())).0);
        // The stored view may be old if nobody followed the job for a while.
        let views = sender.subscribe();
        self.publish(view);
        views
    }

    pub(crate) fn mark_changed(&mut self, job: JobId) {
        if self.jobs.contains_key(&job) {
            self.changed.insert(job);
            self.changed_signal.notify_one();
        }
    }

    /// Marks all jobs as changed, because positions in a queue changed.
    pub(crate) fn mark_all_changed(&mut self) {
        self.jobs.retain(|_, sender| sender.receiver_count() > 0);
        self.changed.extend(self.jobs.keys());
        self.changed_signal.notify_one();
    }

    /// Removes an erased job; its followers see the channel close.
    pub(crate) fn remove(&mut self, job: JobId) {
        self.jobs.remove(&job);
    }

    /// The followed jobs that changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<JobId> {
        self.changed.drain().collect()
    }

    /// Whether [`Followers::take_changed`] would return any.
    pub(crate) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Publishes a view. Followers only wake if it differs from the last one.
    pub(crate) fn publish(&self, view: JobView) {
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

    /// Notified when a job was marked as changed.
    pub(crate) fn changed_signal(&self) -> Arc<Condvar> {
        Arc::clone(&self.changed_signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::State;
    use crate::photo_kind::PhotoKind;
    use crate::stylist::MadeBy;

    fn view(id: JobId, position: u32) -> JobView {
        JobView {
            id,
            style: "oil".to_owned(),
            photo_kind: PhotoKind::Single,
            made_by: MadeBy::BuiltIn,
            state: State::Queued,
            position: Some(position),
            expected_wait_s: None,
            step: None,
            steps: None,
            error: None,
            note: None,
            waits_for: None,
            share: false,
            is_on_carriers: false,
            gallery: None,
            withheld: None,
            has_source: true,
            has_result: false,
            preview_serial: 0,
            expires_at_unix_ms: 2000,
            created_at_unix_ms: 1000,
        }
    }

    #[test]
    fn followers_share_one_view_and_wake_only_for_changes() {
        let mut followers = Followers::default();
        let job = JobId::random();
        let mut one = followers.follow(view(job, 3));
        let other = followers.follow(view(job, 3));
        followers.publish(view(job, 3));
        assert!(!one.has_changed().expect("not gone"), "no change");
        followers.publish(view(job, 2));
        assert_eq!(one.borrow_and_update().position, Some(2));
        assert!(Arc::ptr_eq(&one.borrow(), &other.borrow()));
        drop(other);
        followers.remove(job);
        assert!(one.has_changed().is_err(), "the channel is closed");
        drop(followers.follow(view(job, 1)));
        followers.mark_all_changed();
        assert!(
            followers.jobs.is_empty(),
            "a job without followers is dropped"
        );
    }

    #[test]
    fn changes_are_merged_until_they_are_taken() {
        let mut followers = Followers::default();
        let [one, other, nobodys] = [0; 3].map(|_| JobId::random());
        let _kept = [one, other].map(|job| followers.follow(view(job, 1)));
        for _ in 0..100 {
            followers.mark_changed(one);
            followers.mark_changed(nobodys);
        }
        assert!(followers.has_changed());
        assert_eq!(followers.take_changed(), [one]);
        assert!(!followers.has_changed());
        followers.mark_changed(one);
        followers.mark_all_changed();
        followers.mark_changed(other);
        assert_eq!(followers.take_changed().len(), 2);
        assert!(followers.take_changed().is_empty());
    }
}
