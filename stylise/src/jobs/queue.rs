//! The queue of one stylist: round robin over addresses, and within an address over visitors.

use std::collections::{HashMap, VecDeque};

use crate::job::JobId;

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) address: String,
    pub(crate) visitor: String,
}

/// The jobs that wait for one stylist, which runs one at a time.
///
/// Round robin per address, and per visitor within an address, so that a client that poses as many visitors
/// gets the turns of one address. An address or visitor enters at the end with its first job, and re-enters
/// at the end when one of its jobs finishes. A newcomer is therefore served before the next job of whoever
/// is served now, and nobody is overtaken by more than those who already wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Jobs that had their turn before: put back, or unfinished at a restart.
    resumed: VecDeque<(JobId, Owner)>,
    /// Addresses with new jobs, in the order of their turns.
    turns: VecDeque<String>,
    addresses: HashMap<String, AddressQueue>,
    current: Option<Owner>,
}

/// The jobs of one address.
#[derive(Debug, Default)]
struct AddressQueue {
    /// Visitors, in the order of their turns.
    turns: VecDeque<String>,
    jobs: HashMap<String, VecDeque<JobId>>,
}

impl Queue {
    pub(crate) fn push(&mut self, owner: &Owner, job: JobId) {
        let queue = self.addresses.entry(owner.address.clone()).or_default();
        let jobs = queue.jobs.entry(owner.visitor.clone()).or_default();
        jobs.push_back(job);
        if jobs.len() == 1 && self.current.as_ref() != Some(owner) {
            queue.turns.push_back(owner.visitor.clone());
        }
        let current = self.current.as_ref().map(|owner| &owner.address);
        if queue.len() == 1 && current != Some(&owner.address) {
            self.turns.push_back(owner.address.clone());
        }
    }

    /// Queues a job that had its turn before a restart, ahead of new ones.
    pub(crate) fn resume(&mut self, owner: &Owner, job: JobId) {
        self.resumed.push_back((job, owner.clone()));
    }

    /// Returns the job that was just taken to the front.
    pub(crate) fn put_back(&mut self, owner: &Owner, job: JobId) {
        self.resumed.push_front((job, owner.clone()));
        self.finish_current();
    }

    /// Takes the next job; it is the current one until [`Queue::finish_current`].
    pub(crate) fn take(&mut self) -> Option<JobId> {
        self.finish_current();
        if let Some((job, owner)) = self.resumed.pop_front() {
            self.turns.retain(|other| *other != owner.address);
            if let Some(queue) = self.addresses.get_mut(&owner.address) {
                queue.turns.retain(|other| *other != owner.visitor);
            }
            self.current = Some(owner);
            return Some(job);
        }
        let address = self.turns.pop_front()?;
        let queue = self.addresses.get_mut(&address)?;
        let visitor = queue.turns.pop_front()?;
        let job = queue.jobs.get_mut(&visitor)?.pop_front();
        self.drop_empty();
        self.current = Some(Owner { address, visitor });
        job
    }

    /// The current job is finished: its visitor and address re-enter at the end.
    pub(crate) fn finish_current(&mut self) {
        let Some(owner) = self.current.take() else {
            return;
        };
        let Some(queue) = self.addresses.get_mut(&owner.address) else {
            return;
        };
        if queue.jobs.contains_key(&owner.visitor) {
            queue.turns.push_back(owner.visitor);
        }
        self.turns.push_back(owner.address);
    }

    /// Removes a job. Returns whether it was queued.
    pub(crate) fn remove(&mut self, job: JobId) -> bool {
        let before = self.len();
        self.resumed.retain(|(other, _)| *other != job);
        for jobs in self
            .addresses
            .values_mut()
            .flat_map(|queue| queue.jobs.values_mut())
        {
            jobs.retain(|other| *other != job);
        }
        self.drop_empty();
        self.len() < before
    }

    /// The number of queued jobs, without the current one.
    pub(crate) fn len(&self) -> usize {
        self.resumed.len()
            + self
                .addresses
                .values()
                .map(AddressQueue::len)
                .sum::<usize>()
    }

    /// The number of queued jobs of an address.
    pub(crate) fn len_of_address(&self, address: &str) -> usize {
        let resumed = self.resumed.iter();
        resumed
            .filter(|(_, owner)| owner.address == address)
            .count()
            + self.addresses.get(address).map_or(0, AddressQueue::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All queued jobs, in the order in which they will be taken if no other job arrives.
    pub(crate) fn order(&self) -> Vec<JobId> {
        let mut order: Vec<JobId> = self.resumed.iter().map(|(job, _)| *job).collect();
        // The owners of the current and the resumed jobs re-enter at the end when those finish.
        let owners = self.current.iter();
        let owners: Vec<&Owner> = owners
            .chain(self.resumed.iter().map(|(_, owner)| owner))
            .collect();
        let addresses = moved_to_back(
            &self.turns,
            owners.iter().map(|owner| owner.address.as_str()),
        );
        let addresses = addresses.into_iter().filter_map(|address| {
            let moved = owners.iter().filter(|owner| owner.address == address);
            let queue = self.addresses.get(address)?;
            Some(queue.order(moved.map(|owner| owner.visitor.as_str())))
        });
        order.extend(interleave(addresses.collect()));
        order
    }

    /// 1 for the next job.
    pub(crate) fn position(&self, job: JobId) -> Option<usize> {
        let index = self.order().iter().position(|other| *other == job)?;
        Some(index + 1)
    }

    fn drop_empty(&mut self) {
        for queue in self.addresses.values_mut() {
            queue.jobs.retain(|_, jobs| !jobs.is_empty());
            let jobs = &queue.jobs;
            queue.turns.retain(|visitor| jobs.contains_key(visitor));
        }
        self.addresses.retain(|_, queue| !queue.jobs.is_empty());
        let addresses = &self.addresses;
        self.turns.retain(|address| addresses.contains_key(address));
    }
}

impl AddressQueue {
    fn len(&self) -> usize {
        self.jobs.values().map(VecDeque::len).sum()
    }

    /// Like [`Queue::order`], after the visitors `moved` went to the end.
    fn order<'a>(&'a self, moved: impl Iterator<Item = &'a str>) -> VecDeque<JobId> {
        let visitors = moved_to_back(&self.turns, moved).into_iter();
        let jobs = visitors.filter_map(|visitor| self.jobs.get(visitor).cloned());
        interleave(jobs.collect()).into()
    }
}

/// The names after each of `moved` went to the end in turn; they may be new.
fn moved_to_back<'a>(
    turns: &'a VecDeque<String>,
    moved: impl Iterator<Item = &'a str>,
) -> Vec<&'a str> {
    let mut names: Vec<&str> = turns.iter().map(String::as_str).collect();
    for name in moved {
        names.retain(|other| *other != name);
        names.push(name);
    }
    names
}

/// Takes one job of each list in turn.
fn interleave(mut lists: VecDeque<VecDeque<JobId>>) -> Vec<JobId> {
    let mut order = Vec::new();
    while let Some(mut list) = lists.pop_front() {
        if let Some(job) = list.pop_front() {
            order.push(job);
            lists.push_back(list);
        }
    }
    order
}

#[cfg(test)]
mod tests {

    use super::*;

    /// A visitor who is alone at an address.
    fn owner(visitor: &str) -> Owner {
        at(visitor, visitor)
    }

    fn at(address: &str, visitor: &str) -> Owner {
        Owner {
            address: address.to_owned(),
            visitor: visitor.to_owned(),
        }
    }

    fn push(queue: &mut Queue, visitor: &str) -> JobId {
        push_at(queue, visitor, visitor)
    }

    fn push_at(queue: &mut Queue, address: &str, visitor: &str) -> JobId {
        let job = JobId::random();
        queue.push(&at(address, visitor), job);
        job
    }

    #[test]
    fn visitors_alternate_and_each_visitors_jobs_stay_in_order() {
        let mut queue = Queue::default();
        let a = [0; 3].map(|_| push(&mut queue, "a"));
        let b = [0; 2].map(|_| push(&mut queue, "b"));
        let c = push(&mut queue, "c");
        let wanted = vec![a[0], b[0], c, a[1], b[1], a[2]];
        assert_eq!(queue.order(), wanted);
        assert_eq!(queue.position(a[1]), Some(4));
        let taken: Vec<JobId> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(taken, wanted, "the predicted order is the real one");
        assert!(queue.is_empty());
    }

    #[test]
    fn a_newcomer_is_served_before_the_current_visitors_next_job() {
        let mut queue = Queue::default();
        let a = [0; 3].map(|_| push(&mut queue, "a"));
        assert_eq!(queue.take(), Some(a[0]));
        let b = push(&mut queue, "b");
        assert_eq!(queue.order(), [b, a[1], a[2]]);
        queue.finish_current();
        let c = push(&mut queue, "c");
        assert_eq!(queue.order(), [b, a[1], c, a[2]]);
    }

    #[test]
    fn an_endless_stream_of_new_visitors_starves_nobody() {
        let mut queue = Queue::default();
        let a = [0; 3].map(|_| push(&mut queue, "a"));
        let mut waited = 0;
        for number in 0.. {
            push(&mut queue, &format!("n{number}"));
            let taken = queue.take();
            push(&mut queue, &format!("m{number}"));
            waited += 1;
            if taken == Some(a[2]) {
                break;
            }
            assert!(waited < 40, "the third job of a starves");
        }
    }

    #[test]
    fn many_visitors_of_one_address_have_the_turns_of_one_address() {
        let mut queue = Queue::default();
        let hall = ["a", "b", "c", "a"].map(|visitor| push_at(&mut queue, "hall", visitor));
        let [first, second] = [0; 2].map(|_| push_at(&mut queue, "home", "d"));
        let wanted = [hall[0], first, hall[1], second, hall[2], hall[3]];
        assert_eq!(queue.order(), wanted);
        assert_eq!(
            (queue.len_of_address("hall"), queue.len_of_address("home")),
            (4, 2)
        );
        assert_eq!(queue.take(), Some(hall[0]));
        assert_eq!(
            (queue.len_of_address("hall"), queue.len_of_address("nobody")),
            (3, 0)
        );
        // A newcomer is before the next job of the current address.
        let third = push_at(&mut queue, "street", "e");
        assert_eq!(queue.order()[..3], [first, third, hall[1]]);
    }

    #[test]
    fn a_job_that_is_put_back_is_first_and_costs_nobody_a_turn() {
        let mut queue = Queue::default();
        let a = [0; 2].map(|_| push(&mut queue, "a"));
        let b = push(&mut queue, "b");
        assert_eq!(queue.take(), Some(a[0]));
        queue.put_back(&owner("a"), a[0]);
        assert_eq!(queue.order(), [a[0], b, a[1]]);
        assert_eq!(queue.take(), Some(a[0]));
        assert_eq!(queue.take(), Some(b));
        assert_eq!(queue.take(), Some(a[1]));
    }

    #[test]
    fn after_a_restart_sent_jobs_come_first() {
        let mut queue = Queue::default();
        let new = push(&mut queue, "a");
        let sent = JobId::random();
        queue.resume(&owner("b"), sent);
        assert_eq!(queue.order(), [sent, new]);
        assert_eq!(queue.take(), Some(sent));
    }

    #[test]
    fn a_removed_job_leaves_no_gap() {
        let mut queue = Queue::default();
        let a = push(&mut queue, "a");
        let b = push(&mut queue, "b");
        assert!(queue.remove(a));
        assert!(!queue.remove(a));
        assert_eq!(queue.position(b), Some(1));
        let again = push(&mut queue, "a");
        assert_eq!(queue.order(), [b, again]);
        assert_eq!(
            (queue.take(), queue.take(), queue.take()),
            (Some(b), Some(again), None)
        );
    }

    #[test]
    fn the_predicted_order_is_the_real_order_after_random_operations() {
        // A linear congruential generator, for the same sequence in each run.
        let mut seed = 7_u64;
        let mut dice = move |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % sides
        };
        for _ in 0..200 {
            let mut queue = Queue::default();
            let mut taken = None;
            for _ in 0..dice(30) {
                let visitor = at(&format!("a{}", dice(3)), &format!("v{}", dice(3)));
                match dice(6) {
                    0 => taken = queue.take().map(|job| (visitor, job)),
                    1 => queue.finish_current(),
                    2 => queue.resume(&visitor, JobId::random()),
                    3 => {
                        if let Some(job) = queue.order().first().copied() {
                            queue.remove(job);
                        }
                    }
                    4 => {
                        if let Some((visitor, job)) = taken.take() {
                            queue.put_back(&visitor, job);
                        }
                    }
                    _ => queue.push(&visitor, JobId::random()),
                }
            }
            let told = queue.order();
            assert_eq!(told.len(), queue.len());
            let happened: Vec<JobId> = std::iter::from_fn(|| queue.take()).collect();
            assert_eq!(told, happened);
        }
    }
}
